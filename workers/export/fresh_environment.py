"""Make a Python environment that contains only given requirements and their dependencies, offline, and lock its wheels.

Installed files are linked one by one, so that nothing else can be imported; they are copied where links are forbidden.
"""

import importlib.metadata as metadata
import json
import os
import platform
import shutil
import venv
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from workers.contracts.errors import BackendMissing
from workers.contracts.translation import _


def closure(requirements: Iterable[str]) -> dict[str, metadata.Distribution]:
    """Return the installed distributions with all dependencies by canonical name.

    Raises:
        BackendMissing: A distribution is missing or too old.
    """
    todo = [Requirement(text) for text in requirements]
    seen: set[tuple[str, tuple[str, ...]]] = set()
    found: dict[str, metadata.Distribution] = {}
    while todo:
        requirement = todo.pop()
        key = (canonicalize_name(requirement.name), tuple(sorted(requirement.extras)))
        if key in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(key)
        distribution = _installed(requirement)
        found[key[0]] = distribution
        for text in distribution.requires or []:
            child = Requirement(text)
            extras = ["", *requirement.extras]
            if child.marker is None or any(child.marker.evaluate({"extra": extra}) for extra in extras):
                child.marker = None
                todo.append(child)
    return found


def _installed(requirement: Requirement) -> metadata.Distribution:
    try:
        distribution = metadata.distribution(requirement.name)
    except metadata.PackageNotFoundError:
        distribution = None
    if distribution is None or not requirement.specifier.contains(distribution.version, prereleases=True):
        raise BackendMissing(
            "requirement_missing",
            "The bundle cannot be tested here",
            _("It needs {0}, which is not installed on this computer.").format(requirement),
            "A part of Fettle is missing. Install Fettle again, then export again.",
            by_command=f"pip install '{requirement}'",
        )
    return distribution


def make_environment(folder: Path, requirements: Iterable[str]) -> Path:
    """Make the environment in `folder` and return its interpreter."""
    venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(folder)
    site = _site_packages(folder)
    for distribution in closure(requirements).values():
        _link(distribution, site)
    return interpreter(folder)


def interpreter(folder: Path) -> Path:
    """Return the interpreter of the environment in `folder`."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _site_packages(folder: Path) -> Path:
    found = folder / "Lib" / "site-packages" if os.name == "nt" else next(folder.glob("lib/python*/site-packages"))
    found.mkdir(parents=True, exist_ok=True)
    return found


def _link(distribution: metadata.Distribution, site: Path) -> None:
    base = Path(str(distribution.locate_file("")))
    for entry in distribution.files or []:
        if entry.parts[0] == ".." or "__pycache__" in entry.parts:  # scripts and manual pages; caches
            continue
        source, target = base / entry, site / entry
        if not source.is_file() or target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.symlink_to(source)
        except OSError:
            shutil.copyfile(source, target)


HASHES = Path(__file__).with_name("wheel_hashes.json")
LOCK = "requirements.lock"
INSTALL = f"pip install --require-hashes -r {LOCK}"


def locked(requirements: list[str]) -> tuple[str, tuple[str, ...]]:
    """Return `requirements.lock` (the tested wheels for `pip --require-hashes`) and the packages without a known hash.

    An installed package does not contain the hash of its wheel. `wheel_hashes.json` has those that pip reported when
    this program's own versions were pinned (`installer/hashes.py`).
    With a package that has none the lock is "", since pip would refuse the whole file.
    """
    known: dict[str, list[str]] = json.loads(HASHES.read_text(encoding="utf-8"))
    pins = {name: Version(one.version) for name, one in closure(requirements).items()}
    unknown = tuple(
        f"{name} {version}" for name, version in sorted(pins.items()) if not known.get(f"{name}=={version}")
    )
    if unknown:
        return "", unknown
    python = ".".join(platform.python_version_tuple()[:2])
    lines = [f"# Exactly what was tested, on {platform.system()} with Python {python}: {INSTALL}"]
    for name, version in sorted(pins.items()):
        hashes = " \\\n".join(f"    --hash=sha256:{digest}" for digest in known[f"{name}=={version}"])
        lines.append(f"{name}=={version} \\\n{hashes}")
    return "\n".join(lines) + "\n", ()
