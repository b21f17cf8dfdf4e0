"""Define the paths of a clone and the stamp file that marks a finished set-up.

The set-up writes only into the clone's `.venv`, which git ignores. Deleting that folder undoes the set-up.
"""

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from app.files import write_whole

LOCKS = {"program": ("requirements.lock",), "tests": ("requirements.lock", "requirements-test.lock")}

GPU_LOCKS = ("requirements-cuda.lock", "requirements-rtx.lock")


@dataclass(frozen=True)
class Place:
    """The paths of one clone."""

    root: Path

    @property
    def venv(self) -> Path:
        """Return the folder of the virtual environment."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """Return the path of the environment's Python."""
        return self.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def site_packages(self) -> Path:
        """Return the environment's site-packages; its Python version is that of the Python that runs the set-up."""
        if os.name == "nt":
            return self.venv / "Lib" / "site-packages"
        return self.venv / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"

    @property
    def log(self) -> Path:
        """Return the path of the set-up's log."""
        return self.venv / "setup.log"

    @property
    def gpu_choice(self) -> Path:
        """Return the file with the GPU set that the user chose (`--gpu`); it survives a new environment."""
        return self.venv / "gpu-set"

    @property
    def sets(self) -> Path:
        """Return the folder of the clone's optional sets."""
        return self.venv / "sets"

    @property
    def lock_file(self) -> Path:
        """Return the path of the lock file."""
        return self.venv / "setup.lock"

    def stamp(self, group: str) -> Path:
        """Return the path of the stamp file of a group."""
        return self.venv / f"ready-{group}.json"

    def locks(self, group: str) -> list[Path]:
        """Return the paths of a group's locks."""
        return [self.root / "installer" / name for name in LOCKS[group]]


def nvidia_seen() -> bool:
    """Return whether an NVIDIA driver is installed, by its files: fast enough for each start."""
    if os.name == "nt":
        return Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "nvml.dll").exists()
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists()


def fingerprint(place: Place, group: str) -> dict[str, object]:
    """Return the inputs of a set-up; a changed value means that the set-up must run again."""
    digest = hashlib.sha256()
    for path in [*place.locks(group), *(place.root / "installer" / name for name in GPU_LOCKS)]:
        digest.update(path.read_bytes() if path.exists() else b"")
    report = place.gpu_choice.read_text(encoding="ascii") if place.gpu_choice.exists() else ""
    here = {"python": os.path.realpath(place.python), "nvidia": nvidia_seen(), "gpu": report.strip()}
    return {"locks": digest.hexdigest(), **here}


def is_ready(place: Place, group: str) -> bool:
    """Return whether the stamp is valid and its files exist in their sizes (about 2 ms)."""
    try:
        stamp = json.loads(place.stamp(group).read_text(encoding="utf-8"))
        if stamp["made_from"] != fingerprint(place, group) or not os.access(place.python, os.X_OK):
            return False
        site = str(place.site_packages)
        return all(os.stat(f"{site}/{name}").st_size == size for name, size in stamp["files"].items())  # noqa: PTH116
    except (OSError, ValueError, KeyError, TypeError):
        return False


def write_stamp(place: Place, group: str, files: dict[str, int]) -> None:
    """Write the stamp as the last step of a set-up; `files` are sizes in bytes by path below site-packages."""
    text = json.dumps({"made_from": fingerprint(place, group), "files": files}, indent=0)
    write_whole(place.stamp(group), text.encode(), mode=0o644)
