"""Pack what other computers get: the agent, the code of the workers, and the list of their packages."""

import hashlib
import importlib.metadata
import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.version import VERSION

CODE = Path(__file__).resolve().parents[2]
LOCK, HASHES = "requirements-workers.lock", "workers_hashes.json"
AGENT = (
    "workers/__init__.py", "workers/remote/*.py", "workers/infer/__init__.py", "workers/infer/processor.py",
    "workers/infer/words.py", "workers/contracts/__init__.py", "workers/contracts/process/__init__.py",
    "workers/contracts/process/channel.py",
)  # fmt: skip
"""Files of the agent, which need the standard library only."""
LEFT_OUT = frozenset(("__pycache__", "locale"))
"""Folders of `workers` that other computers do not get: they report in English, and the window translates."""
_PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s;]+)")


@dataclass(frozen=True)
class Package:
    """What an installation sends: the version of the workers, the name of its folder of packages, and the archive."""

    version: str
    environment: str
    archive: bytes


def agent_archive() -> bytes:
    """Return the files of the agent as an archive."""
    return _packed({str(path.relative_to(CODE)): path.read_bytes() for one in AGENT for path in sorted(CODE.glob(one))})


@cache
def workers_package() -> Package:
    """Return the code of the workers and the list of their packages.

    The version names the program's version and the contents, so that a changed clone is another version. The same list
    of packages is the same folder there, so that a new version of the code does not download them again.
    """
    code, lock = _code(), _lock()
    return Package(workers_version(), _digest(lock), _packed({**code, **lock, **_pip()}))


@cache
def workers_version() -> str:
    """Return the version of the workers that this program installs."""
    return f"{VERSION}-{_digest({**_code(), **_lock()})}"


def _code() -> dict[str, bytes]:
    return {f"code/{path.relative_to(CODE)}": path.read_bytes() for path in _sources(CODE / "workers")}


def _pip() -> dict[str, bytes]:
    """Return this program's pip, because the Python of many systems comes without one."""
    pip = importlib.metadata.distribution("pip")
    files = {str(path): Path(str(pip.locate_file(path))) for path in pip.files or () if path.parts[0] == "pip"}
    return {f"pip/{name}": file.read_bytes() for name, file in files.items() if file.suffix != ".pyc"}


def _lock() -> dict[str, bytes]:
    return {f"lock/{name}": text.encode() for name, text in lock_files().items()}


def lock_files() -> dict[str, str]:
    """Return the files that pip and the installation there read.

    PyTorch comes in the build that the pip there finds, as in the program's own installation, and has no hash.
    """
    hashes: dict[str, list[str]] = json.loads((CODE / "installer" / HASHES).read_text(encoding="utf-8"))
    lines = (CODE / "installer" / LOCK).read_text(encoding="utf-8").splitlines()
    pins = [(words.strip(), sizes) for words, _hash, sizes in (line.partition("#") for line in lines) if words.strip()]
    hashed = [_with_hashes(words, hashes) for words, _sizes in pins if _PIN.match(words)]
    ranged = [words for words, _sizes in pins if not _PIN.match(words)]
    plan = {"packages": len(hashed), "installed_bytes": sum(int(sizes.split()[-1]) for _words, sizes in pins)}
    return {"hashed.txt": "\n".join(hashed), "torch.txt": "\n".join(ranged), "plan.json": json.dumps(plan)}


def _with_hashes(requirement: str, hashes: Mapping[str, Iterable[str]]) -> str:
    found = _PIN.match(requirement)
    assert found is not None
    name = re.sub(r"[-_.]+", "-", found[1]).lower()
    return " ".join([requirement, *(f"--hash=sha256:{one}" for one in hashes[f"{name}=={found[2]}"])])


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in LEFT_OUT:
            yield from _sources(path)
        elif path.is_file() and path.suffix != ".pyc":
            yield path


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def _packed(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz", compresslevel=6) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()
