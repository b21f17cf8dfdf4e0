"""Create, check and repair the virtual environment."""

import base64
import csv
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from app import programs
from steps.lockfile import normalized
from steps.place import Place
from steps.words import SetupError, print_line

KEY_FILE_BYTES = 200_000


def clean_environment() -> dict[str, str]:
    """Return the user's environment variables without those that make Python or pip leave the virtual environment."""
    leading_out = {"PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_HASHES"}
    kept = {name: value for name, value in os.environ.items() if name.upper() not in leading_out}
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}


def works(place: Place) -> bool:
    """Return whether the environment's Python starts, has the version of this Python, and has a complete pip."""
    code = "import sys, pip; print('%d.%d' % sys.version_info[:2], sys.prefix != sys.base_prefix)"
    try:
        report = subprocess.run(
            [place.python, "-c", code], capture_output=True, text=True, timeout=120, check=True, env=clean_environment()
        )
    except (OSError, subprocess.SubprocessError):
        return False
    pip = next(place.site_packages.glob("pip-*.dist-info"), None)
    expected = f"{sys.version_info[0]}.{sys.version_info[1]} True"
    return report.stdout.strip() == expected and pip is not None and is_whole(pip)


def make(place: Place) -> None:
    """Replace the folder with a new, empty environment; the lock file remains.

    Raises:
        SetupError: if the environment cannot be created.
    """
    words = _create(place)
    if words is not None and "ensurepip" in words:
        _install_venv_package(place)
        words = _create(place)
    if words is not None:
        raise SetupError(
            f"The environment could not be made in {place.venv}: {words.strip().splitlines()[-1]}",
            "Make room there, or put Fettle's folder where you may write, then try again.",
        )


def _create(place: Place) -> str | None:
    """Create the environment; return None on success, else the output of Python's module venv (never empty)."""
    clear(place)
    run = programs.run([sys.executable, "-m", "venv", place.venv], clean_environment())
    return None if run.returncode == 0 else run.stdout.strip() or "it failed without a word"


def clear(place: Place) -> None:
    """Remove everything of a set-up except the lock file and the GPU choice.

    Another set-up may wait for the lock file, and the user made the GPU choice.
    """
    place.venv.mkdir(parents=True, exist_ok=True)
    for path in place.venv.iterdir():
        if path in (place.lock_file, place.gpu_choice):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _install_venv_package(place: Place) -> None:
    """Install Debian's separate package for Python's module venv."""
    from steps.system import install_packages

    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    if not install_packages([package], place.log):
        raise SetupError(
            "This Python cannot make an environment (its module ensurepip is missing).",
            f"Install it, then run the same command again: sudo apt-get install -y {package}",
        )


def distributions(place: Place) -> list[Path]:
    """Return the metadata folders of the installed packages."""
    return sorted(place.site_packages.glob("*.dist-info"))


def named(dist_info: Path) -> tuple[str, str]:
    """Return the normalized name and the version of an installed package."""
    name, _dash, version = dist_info.name.removesuffix(".dist-info").rpartition("-")
    return normalized(name), version


def name_of(dist_info: Path) -> str:
    """Return the normalized name of an installed package."""
    return named(dist_info)[0]


def versions(place: Place) -> dict[str, str]:
    """Return the versions of the installed packages by normalized name."""
    return dict(map(named, distributions(place)))


def _records(dist_info: Path) -> Iterator[tuple[str, str, int]]:
    """Yield (path below site-packages, hash, size in bytes) of each file that must be unchanged.

    Byte code is skipped, because Python rewrites it if it does not fit.
    """
    with (dist_info / "RECORD").open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            if len(row) == 3 and row[2] and not row[0].endswith(".pyc"):
                yield row[0], row[1], int(row[2])


def is_whole(dist_info: Path, thorough: bool = False) -> bool:
    """Return whether all files of a package exist in their sizes and, if `thorough`, with their contents."""
    site = str(dist_info.parent)
    try:
        rows = list(_records(dist_info))
        whole = bool(rows) and all(os.stat(f"{site}/{name}").st_size == size for name, _, size in rows)  # noqa: PTH116
        return whole and (not thorough or all(matches(Path(site, name), digest) for name, digest, _ in rows))
    except (OSError, ValueError):
        return False


def matches(path: Path, recorded: str) -> bool:
    """Return whether a file has the hash of a package's record (`sha256=…`)."""
    algorithm, _, expected = recorded.partition("=")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, algorithm).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == expected


def mend(place: Place, thorough: bool = False) -> list[str]:
    """Remove the metadata of incomplete packages, so that pip installs them again, and return their names."""
    broken = [path for path in distributions(place) if not is_whole(path, thorough)]
    for path in broken:
        shutil.rmtree(path)
    for stray in place.site_packages.glob("~*"):  # pip's name for a package whose removal was interrupted
        shutil.rmtree(stray, ignore_errors=True)
    names = [name_of(path) for path in broken]
    if names:
        print_line(f"Not whole, to be installed again: {', '.join(names)}.")
    return names


def key_files(place: Place) -> dict[str, int]:
    """Return the sizes in bytes, by path, of the files that each start checks.

    These are the first `__init__.py` of each package and every large file.
    """
    found: dict[str, int] = {}
    for dist_info in distributions(place):
        first = True
        for name, _, size in _records(dist_info):
            if size >= KEY_FILE_BYTES or (first and name.endswith("/__init__.py")):
                first = first and not name.endswith("/__init__.py")
                found[name] = size
    return found


def lead_to_clone(place: Place) -> None:
    """Add the clone to the import path of the environment, by a relative path that survives a move."""
    relative = os.path.relpath(place.root, place.site_packages)
    (place.site_packages / "fettle.pth").write_text(relative + "\n", encoding="ascii")
