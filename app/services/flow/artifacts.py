"""Keep job results in a content-addressed store, under a key made of everything that produced them."""

import contextlib
import functools
import hashlib
import json
import logging
import os
import platform
import re
import shutil
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from app.files import sync_folder
from app.services.flow.background import Stopped, pieces
from app.version import VERSION

log = logging.getLogger(__name__)

LIBRARIES = (
    "ImageHash", "Jinja2", "cleanlab", "datasketch", "ml_dtypes", "mlcommons-loadgen", "nncf", "numpy",
    "nvidia-cublas", "nvidia-cudnn-cu13", "onnx", "onnx-ir", "onnxruntime", "onnxruntime-genai",
    "onnxruntime-gpu", "onnxscript", "openvino", "picklescan", "pillow", "pycocotools", "rapidfuzz", "safetensors",
    "scikit-learn", "scipy",
    "tensorrt", "tensorrt-rtx", "tensorrt-rtx-cu13-libs", "timm", "tokenizers", "torch", "torch-pruning",
    "torchvision", "transformers", "triton",
)  # fmt: skip
"""Distributions whose version can change what a job writes, whether or not they are installed."""

RESULT_FILE, MANIFEST_FILE, MADE_FILE = "result.json", "files.json", "made.json"
KEY = re.compile(r"[0-9a-f]{64}")
FREED = ".freed"

CPU_FACTS = ("model name", "flags", "Features", "CPU implementer", "CPU part")
GPU_FACTS = ("Model:", "GPU Firmware:")
GPU_DRIVER, GPU_CARDS = Path("/proc/driver/nvidia/version"), Path("/proc/driver/nvidia/gpus")


def library_versions() -> dict[str, str]:
    """Return the versions of Fettle and of installed distributions by name, without importing them."""
    return {"fettle": VERSION, **_versions_in(tuple((folder, _changed_ns(folder)) for folder in sys.path))}


@functools.cache
def _versions_in(folders: tuple[tuple[str, int], ...]) -> dict[str, str]:
    """Return the versions of distributions; reading them takes 16 ms, and a change of packages changes `folders`."""
    versions = {}
    for name in LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def _changed_ns(folder: str) -> int:
    """Return when entries of a folder changed last, 0 if that is unknown."""
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0


@functools.cache
def machine_identity() -> str:
    """Return a digest of the processor and its features, the GPUs and their driver; predictions can depend on them."""
    lines = [platform.system(), platform.machine(), platform.processor()]
    with contextlib.suppress(OSError):
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n\n", 1)[0]
        lines += [line for line in first.splitlines() if line.partition("\t")[0].strip() in CPU_FACTS]
    with contextlib.suppress(OSError):
        lines.append(GPU_DRIVER.read_text(encoding="utf-8", errors="replace"))
    for card in sorted(GPU_CARDS.glob("*/information")):
        with contextlib.suppress(OSError):
            report = card.read_text(encoding="utf-8", errors="replace").splitlines()
            lines += [line for line in report if line.startswith(GPU_FACTS)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """One stored folder with the result of the job that wrote it; owned by the `ArtifactStore`.

    `seconds` is how long it took to make. The other fields are set when the entry is adopted: the digest over its
    files, their size, and the libraries that made it.
    """

    key: str
    folder: Path
    result: dict[str, Any]
    sha256: str = ""
    size_bytes: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class ArtifactStore:
    """The store of job results below ``<data folder>/store``; one per workspace. Stored folders never change."""

    def __init__(self, root: Path, *, read_only: bool = False) -> None:
        """Create a store below `root`; with `read_only` nothing is written or removed."""
        self.root, self._read_only = root, read_only
        self._versions, self._machine = library_versions(), machine_identity()
        self._checked: set[str] = set()
        self._held: Counter[str] = Counter()
        self._holding = threading.Lock()

    @property
    def freed(self) -> Path:
        """Return the folder for entries that are being removed."""
        return self.root / FREED

    @property
    def held(self) -> frozenset[str]:
        """Return the keys that flows use now, whether or not their entries exist."""
        with self._holding:
            return frozenset(self._held)

    def hold(self, keys: Iterable[str]) -> None:
        """Keep these entries from being removed until `allow_removal`; a flow holds a key before it looks it up."""
        with self._holding:
            self._held.update(keys)

    def allow_removal(self, keys: Iterable[str]) -> None:
        """Allow entries that `hold` kept to be removed; each `hold` needs one `allow_removal`."""
        with self._holding:
            self._held.subtract(keys)
            self._held = +self._held

    def key_at(self, path: Path) -> str | None:
        """Return the key whose folder contains `path`, None for a path outside of the store."""
        try:
            return path.relative_to(self.root).parts[1]
        except (ValueError, IndexError):
            return None

    def set_aside(self, path: Path, used_s: float) -> Path | None:
        """Move an entry (or a file of the data folder) to where it can be removed piece by piece.

        Returns:
            The new place, or None if nothing moved: a flow holds the entry, it was used after `used_s`, or the move
                failed.
        """
        with self._holding:
            try:
                if path.name in self._held or path.stat().st_mtime > used_s:
                    return None
                self.freed.mkdir(mode=0o700, exist_ok=True)
                aside = self.freed / f"{path.name}.{uuid.uuid4().hex[:8]}"
                path.replace(aside)
            except OSError as error:
                log.warning("%s cannot be moved aside: %s", path, error)
                return None
            self._checked.discard(path.name)
            return aside

    def named_by_results(self, keys: Iterable[str]) -> frozenset[str]:
        """Return `keys` and all keys that the results of their entries name."""
        named, waiting = set[str](), list(keys)
        while waiting:
            key = waiting.pop()
            if key in named:
                continue
            named.add(key)
            with contextlib.suppress(OSError):
                waiting += KEY.findall((self.folder(key) / RESULT_FILE).read_text(encoding="utf-8", errors="replace"))
        return frozenset(named)

    def reload_versions(self) -> None:
        """Read library versions again after packages changed, so that new keys contain them."""
        self._versions = library_versions()

    def key(
        self,
        kind: str,
        params: Mapping[str, Any],
        seed: int,
        identity: Mapping[str, str],
        threads: int | None = None,
        machine: str = "",
    ) -> str:
        """Return the key of a job: the SHA-256 of everything that can change what the job writes.

        That is the kind, the parameters (paths replaced by `identity`, or relative to the store), the seed, threads,
        library versions, processor and driver (or the identity of another `machine` that runs the job).
        """
        made_of = {"kind": kind, "params": params, "seed": seed, "threads": threads}
        text = json.dumps({**made_of, "versions": self._versions, "machine": machine or self._machine}, sort_keys=True)
        for path, stands_for in identity.items():
            text = text.replace(json.dumps(path)[1:-1], stands_for)
        text = text.replace(json.dumps(str(self.root))[1:-1], "store")
        return hashlib.sha256(text.encode()).hexdigest()

    def folder(self, key: str) -> Path:
        """Return the folder of `key`, whether or not it exists."""
        return self.root / key[:2] / key

    def get(self, key: str, stopped: Stopped = lambda: False) -> Entry | None:
        """Return the entry after checking its files' hashes once per process, None if it is missing or damaged.

        A damaged entry is removed. It stays if it cannot be read at present, or if the store is read-only. Large
        entries take a while (see `bytes_to_check`); when `stopped` returns True, the result is None and nothing is
        removed.
        """
        folder = self.folder(key)
        if not (folder / RESULT_FILE).is_file():
            return None
        try:
            if key not in self._checked and not self._intact(folder, stopped):
                if not self._read_only:
                    shutil.rmtree(folder, ignore_errors=True)
                return None
        except InterruptedError:
            return None
        except OSError as error:  # e.g. too many open files, or a disk that is gone for a moment
            log.warning("%s cannot be read: %s", folder, error)
            return None
        self._checked.add(key)
        if not self._read_only:
            with contextlib.suppress(OSError):
                os.utime(folder)  # entries unused for longest are removed first
        return _entry(key, folder)

    def peek(self, key: str) -> Entry | None:
        """Return the entry if its files exist with their recorded sizes, without comparing their contents."""
        folder = self.folder(key)
        try:
            sizes = {name: (folder / name).stat().st_size for name in _manifest(folder)}
            if sizes != {name: size for name, (_, size) in _manifest(folder).items()}:
                return None
            return _entry(key, folder)
        except (OSError, ValueError):
            return None

    def bytes_to_check(self, key: str) -> int:
        """Return how many bytes `get` has to read, 0 if no entry exists or if it was checked already."""
        if key in self._checked:
            return 0
        try:
            return sum(size for _, size in _manifest(self.folder(key)).values())
        except (OSError, ValueError):
            return 0

    def content_of(self, folder: Path) -> str | None:
        """Return the SHA-256 over names and hashes of the files in a stored `folder`, None for one outside."""
        try:
            top, key, *inner = folder.relative_to(self.root).parts
            manifest = _manifest(self.root / top / key)
        except (OSError, ValueError):
            return None
        start = "".join(f"{part}/" for part in inner)
        files = {name.removeprefix(start): digest for name, (digest, _) in manifest.items() if name.startswith(start)}
        return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest() if files else None

    def adopt(
        self,
        work_dir: Path,
        key: str,
        result: Mapping[str, Any],
        stopped: Stopped = lambda: False,
        seconds: float = 0.0,
    ) -> Entry:
        """Move a finished job's folder into the store; files are hashed and synced before a rename makes them visible.

        Identical files that exist already stay, since another flow may use them; `work_dir` is then removed. Different
        files are replaced.

        Raises:
            InterruptedError: `stopped` returned True; the store is unchanged.
        """
        shutil.rmtree(work_dir / ".home", ignore_errors=True)  # libraries' own caches
        files: dict[str, tuple[str, int]] = {
            path.relative_to(work_dir).as_posix(): (digest_of(path, stopped), path.stat().st_size)
            for path in sorted(work_dir.rglob("*"))
            if path.is_file()
        }
        manifest = json.dumps(files)
        _write_synced(work_dir / MANIFEST_FILE, manifest)
        _write_synced(work_dir / RESULT_FILE, json.dumps(dict(result)))
        _write_synced(work_dir / MADE_FILE, json.dumps({"seconds": seconds}))
        folder = self.folder(key)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if self._holds(folder, files, stopped):
            (work_dir / RESULT_FILE).replace(folder / RESULT_FILE)
            shutil.rmtree(work_dir, ignore_errors=True)
        else:
            _put(work_dir, folder)
        sync_folder(folder.parent)
        self._checked.add(key)
        digest = hashlib.sha256(manifest.encode()).hexdigest()
        size_bytes = sum(size for _, size in files.values())
        return Entry(key, folder, dict(result), digest, size_bytes, self._versions, seconds)

    def _holds(self, folder: Path, files: Mapping[str, tuple[str, int]], stopped: Stopped) -> bool:
        """Return whether the folder holds exactly these files, undamaged."""
        try:
            return _manifest(folder) == files and self._intact(folder, stopped)
        except (OSError, ValueError):
            return False

    def _intact(self, folder: Path, stopped: Stopped) -> bool:
        """Return whether the result is one and all files match their hashes; raise OSError if they cannot be read."""
        try:
            _document(folder / RESULT_FILE)
            files = ((folder / name, digest) for name, (digest, _) in _manifest(folder).items())
            return all(path.is_file() and digest_of(path, stopped) == digest for path, digest in files)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return False


class Holding:
    """Entries of the store that one flow uses; its driver releases them when the flow's result is in the database."""

    def __init__(self, store: ArtifactStore) -> None:
        """Create an empty set of held entries of `store`."""
        self._store = store
        self._keys: set[str] = set()

    def add(self, *keys: str) -> None:
        """Keep further entries of the store from being removed."""
        more = set(keys) - self._keys
        self._store.hold(more)
        self._keys |= more

    def add_paths(self, paths: Iterable[Path]) -> None:
        """Hold the entries that these paths lie in."""
        self.add(*filter(None, map(self._store.key_at, paths)))

    def end(self) -> None:
        """Allow all entries of this flow to be removed."""
        self._store.allow_removal(self._keys)
        self._keys = set()


def _put(work_dir: Path, folder: Path) -> None:
    """Rename the folder into its place; an earlier folder is moved aside first and then removed."""
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    if folder.exists():
        shutil.rmtree(aside, ignore_errors=True)
        folder.replace(aside)
    work_dir.replace(folder)
    shutil.rmtree(aside, ignore_errors=True)


def _entry(key: str, folder: Path) -> Entry:
    return Entry(key, folder, _document(folder / RESULT_FILE), seconds=_made_s(folder))


def _made_s(folder: Path) -> float:
    """Return the seconds that the entry took to make, 0 for entries of older program versions."""
    try:
        return float(_document(folder / MADE_FILE)["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def _manifest(folder: Path) -> dict[str, tuple[str, int]]:
    """Return {name: (SHA-256, bytes)} of a folder; raise OSError or ValueError if it is missing or damaged."""
    files = _document(folder / MANIFEST_FILE).items()
    try:
        return {name: (str(digest), int(size)) for name, (digest, size) in files}
    except (TypeError, OverflowError) as error:
        raise ValueError(f"{folder} has a damaged list of files") from error


def _document(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file; raise OSError or ValueError if it is missing or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError(f"{path} is nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds no object")
    return found


def digest_of(path: Path, stopped: Stopped) -> str:
    """Return the SHA-256 of a file; raise OSError, or InterruptedError once `stopped` returns True."""
    digest = hashlib.sha256()
    for piece in pieces(path, stopped):
        digest.update(piece)
    return digest.hexdigest()


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
