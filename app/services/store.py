"""The content-addressed store: what a job wrote, under a key made of everything that made it."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from app.version import VERSION
from workers.contracts.folder import sha256_file

LIBRARIES = ("numpy", "onnx", "onnxruntime", "openvino", "torch", "torchvision", "transformers")
"""Distributions whose version can change what a job writes."""

RESULT_FILE, MANIFEST_FILE = "result.json", "files.json"


def library_versions() -> dict[str, str]:
    """Fettle's own version and those of installed distributions by name; absent ones are left out. Imports nothing."""
    found = {"fettle": VERSION}
    for name in LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


@dataclass(frozen=True)
class Entry:
    """One kept folder with the result of the job that wrote it.

    The rest is known when it is adopted: the digest over its files, their size, the libraries that made it.
    """

    key: str
    folder: Path
    result: dict[str, Any]
    sha256: str = ""
    size_bytes: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)


class ArtifactStore:
    """`root` is ``<data folder>/store``. Folders are never changed once they are there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._versions = library_versions()
        self._checked: set[str] = set()

    def key(self, kind: str, params: Mapping[str, Any], seed: int, identity: Mapping[str, str]) -> str:
        """sha256 over kind, parameters (paths replaced by `identity`, or relative to the store), seed, versions."""
        text = json.dumps({"kind": kind, "params": params, "seed": seed, "versions": self._versions}, sort_keys=True)
        for path, stands_for in identity.items():
            text = text.replace(json.dumps(path)[1:-1], stands_for)
        text = text.replace(json.dumps(str(self.root))[1:-1], "store")
        return hashlib.sha256(text.encode()).hexdigest()

    def folder(self, key: str) -> Path:
        """Where `key` lies, whether or not it is there."""
        return self.root / key[:2] / key

    def get(self, key: str) -> Entry | None:
        """The entry, its files compared with their hashes once a process; a damaged one is removed and None given."""
        folder = self.folder(key)
        if not (folder / RESULT_FILE).is_file():
            return None
        if key not in self._checked and not self._intact(folder):
            shutil.rmtree(folder, ignore_errors=True)
            return None
        self._checked.add(key)
        return Entry(key, folder, json.loads((folder / RESULT_FILE).read_text(encoding="utf-8")))

    def adopt(self, work_dir: Path, key: str, result: Mapping[str, Any]) -> Entry:
        """Move a finished job's folder into the store: hashed and synced before the rename that makes it visible."""
        shutil.rmtree(work_dir / ".home", ignore_errors=True)  # libraries' own caches
        files: dict[str, tuple[str, int]] = {
            path.relative_to(work_dir).as_posix(): (sha256_file(path), path.stat().st_size)
            for path in sorted(work_dir.rglob("*"))
            if path.is_file()
        }
        manifest = json.dumps(files)
        _write_synced(work_dir / MANIFEST_FILE, manifest)
        _write_synced(work_dir / RESULT_FILE, json.dumps(dict(result)))
        folder = self.folder(key)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            shutil.rmtree(folder)
        work_dir.replace(folder)
        sync_folder(folder.parent)
        self._checked.add(key)
        digest = hashlib.sha256(manifest.encode()).hexdigest()
        size_bytes = sum(size for _, size in files.values())
        return Entry(key, folder, dict(result), digest, size_bytes, self._versions)

    def size_bytes(self) -> int:
        """Bytes of everything kept."""
        return sum(path.stat().st_size for path in self.root.rglob("*") if path.is_file())

    def _intact(self, folder: Path) -> bool:
        try:
            files = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
            return all(sha256_file(folder / name) == digest for name, (digest, _) in files.items())
        except (OSError, ValueError):
            return False


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """A rename in it is on the disk after this."""
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
