"""What is sent to other computers."""

import ast
import io
import re
import sys
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


def test_agent_needs_only_an_old_python() -> None:
    """Given the files of the agent, Then Python 3.8 can read them to report what it is, and they import the standard
    library and each other alone."""
    names = names_in(packing.agent_archive())
    assert {"workers/remote/agent.py", "workers/remote/setup.py", "workers/infer/processor.py"} <= set(names)
    ours = ("workers.remote", "workers.contracts.process.channel", "workers.infer")
    for name in names:
        tree = ast.parse((packing.CODE / name).read_text(encoding="utf-8"), feature_version=(3, 8))
        nodes = tree.body if name.startswith("workers/infer/") else list(ast.walk(tree))  # it measures when asked
        found = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
        found += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        assert all(one.startswith(ours) or one.partition(".")[0] in sys.stdlib_module_names for one in found), name


def test_archive_of_workers_holds_their_code_and_no_catalogs() -> None:
    """Given the archive, Then it has the workers' code and lock, and neither catalogs nor compiled code."""
    package = packing.workers_package()
    names = names_in(package.archive)
    assert {"code/workers/start.py", "lock/hashed.txt", "lock/plan.json", "pip/pip/__main__.py"} <= set(names)
    assert not [name for name in names if name.endswith((".mo", ".po", ".pyc")) or "/locale/" in name]
    assert package.version == packing.workers_version() and len(package.archive) < 6 << 20
