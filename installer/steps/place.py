"""Where things lie in a clone, and the stamp that says that a set-up was finished.

Everything of the set-up is in `.venv` of the clone, which git ignores; deleting that folder undoes it.
"""

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

LOCKS = {"program": ("requirements.lock",), "tests": ("requirements.lock", "requirements-test.lock")}

GPU_LOCKS = ("requirements-cuda.lock", "requirements-rtx.lock")


@dataclass(frozen=True)
class Place:
    """Paths of one clone."""

    root: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def site_packages(self) -> Path:
        """Of the Python that runs the set-up, which is the one that the environment is made from."""
        if os.name == "nt":
            return self.venv / "Lib" / "site-packages"
        return self.venv / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"

    @property
    def log(self) -> Path:
        return self.venv / "setup.log"

    @property
    def gpu_choice(self) -> Path:
        """Which set of packages for NVIDIA GPUs a person told (`--gpu`); stays when the environment is made anew."""
        return self.venv / "gpu-set"

    @property
    def lock_file(self) -> Path:
        return self.venv / "setup.lock"

    def stamp(self, group: str) -> Path:
        return self.venv / f"ready-{group}.json"

    def locks(self, group: str) -> list[Path]:
        return [self.root / "installer" / name for name in LOCKS[group]]


def nvidia_seen() -> bool:
    """Whether a driver of NVIDIA's lies here, without asking it: cheap enough for each start."""
    if os.name == "nt":
        return Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "nvml.dll").exists()
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists()


def fingerprint(place: Place, group: str) -> dict[str, object]:
    """What a set-up was made from; another value means that it must be done again."""
    digest = hashlib.sha256()
    for path in [*place.locks(group), *(place.root / "installer" / name for name in GPU_LOCKS)]:
        digest.update(path.read_bytes() if path.exists() else b"")
    told = place.gpu_choice.read_text(encoding="ascii") if place.gpu_choice.exists() else ""
    here = {"python": os.path.realpath(place.python), "nvidia": nvidia_seen(), "gpu": told.strip()}
    return {"locks": digest.hexdigest(), **here}


def is_ready(place: Place, group: str) -> bool:
    """Whether the stamp is there, fits, and the files that it names are there in their sizes (about 2 ms)."""
    try:
        stamp = json.loads(place.stamp(group).read_text(encoding="utf-8"))
        if stamp["made_from"] != fingerprint(place, group) or not os.access(place.python, os.X_OK):
            return False
        site = str(place.site_packages)
        return all(os.stat(f"{site}/{name}").st_size == size for name, size in stamp["files"].items())  # noqa: PTH116
    except (OSError, ValueError, KeyError, TypeError):
        return False


def write_stamp(place: Place, group: str, files: dict[str, int]) -> None:
    """The last step of a set-up; `files` are sizes in bytes by path below site-packages."""
    text = json.dumps({"made_from": fingerprint(place, group), "files": files}, indent=0)
    part = place.stamp(group).with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(place.stamp(group))
