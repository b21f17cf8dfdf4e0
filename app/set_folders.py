"""Put the optional sets that are installed and fit this program on the import path, at every start.

`installer/steps/folders.py` makes their folders. A set is complete and fits if its last file equals the program's own
lock. Workers inherit the import path, and their sandbox lets them read these folders.
"""

import importlib
import os
import sys
from pathlib import Path

from app.paths import DataFolderUnusable, find_data_folder
from workers.contracts.optional_sets import FOLDER_SETS, LOCK_COPY

CODE = Path(__file__).resolve().parents[1]


def sets_root() -> Path:
    """Return the folder of the sets: in the clone, or for an installed program in the person's own data folder.

    It is never in the folder of --data-dir, which may come from somebody else: sets are programs.

    Raises:
        DataFolderUnusable: This account has no folder.
    """
    return find_data_folder().sets if os.environ.get("FETTLE_ROOT") else CODE / ".venv" / "sets"


def activate(root: Path, code: Path = CODE) -> None:
    """Put the sets below `root` that fit the locks of `code` on the end of the import path, and take others off it."""
    sys.path[:] = [place for place in sys.path if Path(place).parent != root]
    for name, lock in FOLDER_SETS.items():
        folder = root / f"{name}-{sys.implementation.cache_tag}"
        try:
            if (folder / LOCK_COPY).read_bytes() == (code / "installer" / lock).read_bytes():
                sys.path.append(str(folder))
        except OSError:
            continue  # not installed
    importlib.invalidate_caches()


def activate_own() -> None:
    """Put the sets of this program on the import path."""
    try:
        activate(sets_root())
    except DataFolderUnusable:
        return  # what needs the data folder says so


def add_by_command(name: str) -> int:
    """Install a set for `fettle --NAME` of an installed program; return the installer's exit code."""
    import subprocess  # no start of the window needs it

    bootstrap = CODE / "installer" / "bootstrap.py"
    return subprocess.call([sys.executable, bootstrap, "add", name, sets_root()])
