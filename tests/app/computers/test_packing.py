"""What is sent to other computers."""

import ast
import io
import re
import tarfile

from app.computers import packing


def names_in(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return opened.getnames()


def test_every_package_is_pinned_by_hashes_except_pytorch() -> None:
    """Given the lock of the workers, Then each package has a version and hashes, PyTorch has a range, and no package of
    the window, of sounds or of LoadGen is in it."""
    files = packing.lock_files()
    lines = files["hashed.txt"].splitlines()
    assert len(lines) > 80 and all(re.match(r"\S+==\S+ .*--hash=sha256:[0-9a-f]{64}", line) for line in lines)
    assert [line.partition(">")[0] for line in files["torch.txt"].splitlines()] == ["torch", "torchvision"]
    names = {re.split("=", line)[0].lower() for line in lines}
    assert not names & {"pyside6_essentials", "miniaudio", "mlcommons_loadgen", "sqlalchemy"}


def test_agent_is_small_and_parsed_by_python_3_8() -> None:
    """Given the files of the agent, Then an old Python can read them to report what it is."""
    names = names_in(packing.agent_archive())
    assert {"workers/remote/agent.py", "workers/remote/setup.py", "workers/infer/processor.py"} <= set(names)
    for name in names:
        ast.parse((packing.CODE / name).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_archive_of_workers_holds_their_code_and_no_catalogs() -> None:
    """Given the archive, Then it has the workers' code and lock, and neither catalogs nor compiled code."""
    package = packing.workers_package()
    names = names_in(package.archive)
    assert {"code/workers/start.py", "lock/hashed.txt", "lock/plan.json", "pip/pip/__main__.py"} <= set(names)
    assert not [name for name in names if name.endswith((".mo", ".po", ".pyc")) or "/locale/" in name]
    assert package.version == packing.workers_version() and len(package.archive) < 6 << 20
