"""What a job has made, hashed."""

from pathlib import Path

from workers.contracts.folder import sha256_file, sha256_folder
from workers.contracts.process.messages import ArtifactReady


def describe_artifact(path: Path, work_dir: Path) -> ArtifactReady:
    """Hash a file or folder below `work_dir`. Raises ValueError if it lies elsewhere, FileNotFoundError if nowhere."""
    relative = path.resolve().relative_to(work_dir.resolve()).as_posix()
    if path.is_dir():
        digest = sha256_folder(path)
        size_bytes = sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    else:
        digest, size_bytes = sha256_file(path), path.stat().st_size
    return ArtifactReady(path=relative, sha256=digest, size_bytes=size_bytes)
