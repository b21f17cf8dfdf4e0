"""Describe the program itself: a clone or an installed program, its version, and the version before it."""

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from app.paths import find_data_folder
from app.services.flow.background import Stopped
from app.services.machine.optional_sets import InstallerStatus, run_installer
from app.version import VERSION
from workers.contracts.error_info import ErrorInfo
from workers.contracts.translation import _

PACKAGED = Path("/opt/fettle")
"""Folder of the Debian package, whose files only the package manager changes."""

CHOICE = "program-version"
"""File in the data folder by which one person goes back; the launcher reads it (installer/versions/launcher.sh)."""

Kind = Literal["clone", "own", "package"]


class Program:
    """The program that runs; `root` is the folder of all versions, None for a clone.

    Owned by the controller of the page Settings and by the weekly look.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Find the program by the variables that the launcher sets."""
        root, own = environment.get("FETTLE_ROOT"), Path(__file__).resolve().parents[4]
        self.root = Path(root) if root else None
        self.version = VERSION
        self.platform = f"{sys.platform}-{platform.machine().lower()}"
        self._installer = own / "installer"
        self.folder = self.root or own
        self._choice = find_data_folder(environment=environment).root / CHOICE

    @property
    def kind(self) -> Kind:
        """Return whether this is a clone, a program that this account may change, or one of the package manager."""
        if self.root is None:
            return "clone"
        return "own" if self.root != PACKAGED and os.access(self.root / "versions", os.W_OK) else "package"

    @property
    def current(self) -> str:
        """Return the version that the pointer names, which an archive of changes is made for."""
        return self._pointer()[0]

    @property
    def next_version(self) -> str:
        """Return the version that the next start runs; "" if it is not known."""
        current, previous = self._pointer()
        return previous if self._is_chosen(current, previous) else current

    @property
    def other_version(self) -> str:
        """Return the version that is installed besides `next_version`, "" if there is none."""
        current, previous = self._pointer()
        return current if self._is_chosen(current, previous) else previous

    def switch(self, status: InstallerStatus, stopped: Stopped) -> None:
        """Start `other_version` from the next start on; raises `JobError`."""
        if self._is_chosen(*self._pointer()):
            self._choice.unlink(missing_ok=True)
        else:
            self._run("back", status, stopped, *(() if self.kind == "own" else (str(self._choice),)))

    def install(self, archive: Path, sha256: str, status: InstallerStatus, stopped: Stopped) -> None:
        """Install a downloaded version beside this one; it runs from the next start on. Raises `JobError`."""
        self._run("install", status, stopped, str(archive), sha256)

    def clean(self, stopped: Stopped) -> None:
        """Remove what an interrupted installation left and versions that no longer run; raises `JobError`."""
        self._run("clean", InstallerStatus(), stopped)

    def has_leftovers(self) -> bool:
        """Return whether `clean` has something to do."""
        if self.kind != "own":
            return False
        return any(path.name not in self._pointer() for path in (self.folder / "versions").iterdir())

    def _pointer(self) -> tuple[str, str]:
        return _two_lines(self.root / "pointer") if self.root is not None else ("", "")

    def _is_chosen(self, current: str, previous: str) -> bool:
        return bool(previous) and _two_lines(self._choice) == (previous, current)

    def _run(self, what: str, status: InstallerStatus, stopped: Stopped, *more: str) -> None:
        bootstrap = str(self._installer / "bootstrap.py")
        command = [sys.executable, "-ES", bootstrap, "versions", what, str(self.root), *more]
        failed = ErrorInfo(
            code="setup_failed",
            title=_("The version was not changed"),
            detail="",
            hint=_("Try again. The program works as before."),
        )
        run_installer(command, self._installer, status, stopped, failed)


def _two_lines(path: Path) -> tuple[str, str]:
    try:
        with path.open(encoding="utf-8") as file:
            first, second, *_rest = [*file.read(1000).splitlines(), "", ""]
    except (OSError, ValueError):
        return "", ""
    return first, second
