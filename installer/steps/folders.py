"""Install optional sets, each into a folder of its own that comes on the import path once it is complete.

This runs in the Python that will import the sets, whose pip chooses and unpacks the wheels. A set `NAME` is the folder
`NAME-PYTHON` below `root`, complete if its last file equals the lock it was made from. The window and the command line
check that (`app/set_folders.py`). Files arrive in `downloads/NAME`, where an interrupted download goes on.
"""

import importlib.metadata
import json
import os
import shutil
import sys
from pathlib import Path

from app import programs
from app.files import write_whole
from steps import lockfile, web
from steps.environment import clean_environment
from steps.exclusive import exclusive
from steps.fetch import Part, address, fetch
from steps.lockfile import Pin
from steps.pip import failure
from steps.place import Place
from steps.sets import make_links
from steps.setup import check_room, disk_errors
from steps.words import Progress, SetupError, print_line, size

LOCKS = {name: f"requirements-{name}.lock" for name in ("language", "sign", "cluster", "rtx", "cuda")} | {
    "web": "web.json"
}
LOCK_COPY = "fettle-set.lock"
HASHES = "set_hashes.json"
SLACK_BYTES = 1 << 20


def folder(root: Path, name: str) -> Path:
    """Return the folder of a set for this version of Python."""
    return root / f"{name}-{sys.implementation.cache_tag}"


def downloads(root: Path, name: str) -> Path:
    """Return the folder of a set's downloads."""
    return root / "downloads" / name


def lock(place: Place, name: str) -> Path:
    """Return the lock of a set."""
    return place.root / "installer" / LOCKS[name]


def pins(place: Place, name: str) -> list[Pin]:
    """Return the packages of a set with their sizes in bytes; those behind a condition belong to a clone's PyTorch."""
    if name == "web":
        return web.as_pins(place)
    return [pin for pin in lockfile.read([lock(place, name)]) if ";" not in pin.requirement]


def is_complete(place: Place, root: Path, name: str) -> bool:
    """Return whether a set is installed as its present lock says."""
    try:
        return (folder(root, name) / LOCK_COPY).read_bytes() == lock(place, name).read_bytes()
    except OSError:
        return False


def is_built_in(place: Place, name: str) -> bool:
    """Return whether this Python has the packages of a set already."""
    try:
        return name != "web" and all(importlib.metadata.version(pin.name) == pin.version for pin in pins(place, name))
    except importlib.metadata.PackageNotFoundError:
        return False


def used_bytes(root: Path, name: str) -> int:
    """Return the bytes on the disk of a set, with what arrived of its download."""
    return sum(_bytes_below(place) for place in (folder(root, name), downloads(root, name)))


def remaining(place: Place, root: Path, name: str) -> list[Pin]:
    """Return the packages of a set that must be installed, all or none."""
    return [] if is_complete(place, root, name) or is_built_in(place, name) else pins(place, name)


def arrived_bytes(root: Path, name: str) -> int:
    """Return the bytes of a set that an interrupted download has left."""
    return _bytes_below(downloads(root, name))


def _bytes_below(place: Path) -> int:
    return sum(path.lstat().st_size for path in place.rglob("*") if path.is_file() and not path.is_symlink())


def add(place: Place, root: Path, name: str) -> None:
    """Install a set below `root`; an incomplete folder is never used.

    Raises:
        SetupError: if a file cannot be fetched, is not the expected one, or does not fit on the disk.
    """
    with disk_errors(root), exclusive(root / "sets.lock"):
        wanted = remaining(place, root, name)
        if not wanted:
            return
        download, installed = lockfile.totals(wanted)
        names = ", ".join(f"{pin.requirement.partition('==')[0]} {pin.version}" for pin in wanted)
        print_line(f"To install: {names}, about {size(download)} to download and {size(installed)} on disk.")
        check_room(root, download - arrived_bytes(root, name) + installed)
        kept, work = downloads(root, name), root / f"{name}.part"
        kept.mkdir(parents=True, exist_ok=True)
        parts = web.parts(place) if name == "web" else _wheels(place, wanted)
        try:
            _fetch_all(parts, kept, download)
        except SetupError:
            if name != "web":
                raise
            web.by_npm(place, kept)
            _fetch_all(parts, kept, download)
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        if name == "web":
            web.lay_out(place, kept, work)
        else:
            print_line("Installing …")
            _unpack([str(kept / part.file) for part in parts], kept, work)
        _put_in_place(place, root, name, work)
    print_line("It is installed.")


def _put_in_place(place: Place, root: Path, name: str, work: Path) -> None:
    """Move the complete folder to its name; the copy of the lock, which makes it valid, is its last file."""
    goal, old = folder(root, name), root / f"{name}.old"
    shutil.rmtree(old, ignore_errors=True)
    if goal.exists():
        goal.replace(old)
    work.replace(goal)
    if name == "rtx":
        make_links(Path(sys.executable), goal)
    if sys.platform != "win32":
        os.sync()  # after a power cut, files must not be emptier than their names say
    write_whole(goal / LOCK_COPY, lock(place, name).read_bytes(), mode=0o644)
    for leftover in (old, downloads(root, name)):
        shutil.rmtree(leftover, ignore_errors=True)


def _wheels(place: Place, wanted: list[Pin]) -> list[Part]:
    """Return the wheels of a set for this system, with the hashes that they may have."""
    known = json.loads((place.root / "installer" / HASHES).read_text(encoding="utf-8"))
    print_line("Looking up the packages …")
    parts = []
    for pin in wanted:
        hashes = frozenset(known.get(f"{pin.name}=={pin.version}", ()))
        parts.append(Part(pin.name, address(pin), hashes, 2 * pin.download_bytes + SLACK_BYTES))
    return parts


def _fetch_all(parts: list[Part], kept: Path, total: int) -> None:
    progress = Progress()

    def report() -> None:
        progress.show_bytes("Downloading", min(_bytes_below(kept), total), total)

    for part in parts:
        fetch(part, kept, report)
    progress.end()


def _unpack(wheels: list[str], kept: Path, work: Path) -> None:
    """Install fetched wheels into `work` by this Python's pip; raise `SetupError` with the reason in plain words."""
    command = [sys.executable, "-m", "pip", "--isolated", "install", "--no-index", "--no-deps", "--target", str(work)]
    run = programs.run([*command, *wheels], {**clean_environment(), "PYTHONUTF8": "1", "TMPDIR": str(kept)})
    log = kept.parents[1] / "sets.log"
    log.write_text(run.stdout, encoding="utf-8")
    if run.returncode != 0:
        raise failure(run.stdout, log)
