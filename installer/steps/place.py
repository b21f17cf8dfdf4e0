"""Define the paths of a clone and the stamp file that marks a finished set-up.

The set-up writes only into the clone's `.venv`, which git ignores. Deleting that folder undoes the set-up.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

from app.files import write_whole

LOCKS = {"program": ("requirements.lock",), "tests": ("requirements.lock", "requirements-test.lock")}

GPU_LOCKS = ("requirements-cuda.lock", "requirements-rtx.lock")


class Place:
    """The paths of one clone; the set-up changes none of them."""

    def __init__(self, root: Path) -> None:
        """Name the paths of the clone in `root`."""
        program = "Scripts/python.exe" if os.name == "nt" else "bin/python"
        library = "Lib" if os.name == "nt" else f"lib/python{sys.version_info[0]}.{sys.version_info[1]}"
        self.root = root
        self.venv = root / ".venv"
        """The folder of the virtual environment."""
        self.python = self.venv / program
        """The environment's Python."""
        self.site_packages = self.venv / library / "site-packages"
        """The environment's packages; its Python version is that of the Python that runs the set-up."""
        self.log = self.venv / "setup.log"
        self.gpu_choice = self.venv / "gpu-set"
        """The file with the GPU set that the user chose (`--gpu`); it survives a new environment."""
        self.sets = self.venv / "sets"
        """The folder of the clone's optional sets."""
        self.lock_file = self.venv / "setup.lock"

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
