"""Write a shortcut on the desktop that opens one version in a small window.

On Linux it is a desktop file by the specification of freedesktop.org, on the desktop and among the applications. On
Windows and macOS it is a script: a real link needs the system's own tools.
"""

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.files import write_whole
from app.services.flow.steps import Refused
from workers.contracts.translation import _, joined, mark

EXECUTABLE = 0o755
SUFFIXES = {"win32": ".cmd", "darwin": ".command"}
MOST_TITLE_CHARS = 80
DROPPED, ALL_WORDS = "%f", "%*"
"""Place of the files that are dropped on the icon, in a desktop entry and in a batch file."""


def put_on_desktop(
    title: str, arguments: Sequence[str], platform: str = sys.platform, environment: Mapping[str, str] = os.environ
) -> tuple[Path, ...]:
    """Write the shortcut that starts this program with `arguments`, and return its files.

    Raises:
        JobError: (exit code 3) It cannot be written, or there is no folder for it.
    """
    import platformdirs  # late: the window's first paint does not wait for it

    folders = [platformdirs.user_desktop_path()]
    suffix = SUFFIXES.get(platform, ".desktop")
    if suffix == ".desktop":
        folders.append(platformdirs.user_data_path() / "applications")
        folders[-1].mkdir(parents=True, exist_ok=True)
    title = " ".join("".join(one if one.isprintable() else " " for one in title).split())[:MOST_TITLE_CHARS]
    name = re.sub(r'[<>:"/\\|?*%.]', "_", title) or "Fettle"
    command, folder = program(environment)
    text = {".cmd": windows_script, ".command": shell_script}.get(suffix, desktop_file)(
        title, [*command, *arguments], folder
    )
    written = []
    for place in (place / f"{name}{suffix}" for place in folders if place.is_dir()):
        try:
            write_whole(place, text.encode("utf-8"), mode=EXECUTABLE)
        except OSError as error:
            raise _refused(_("{0} cannot be written: {1}.").format(place, error.strerror or error)) from error
        written.append(place)
    if not written:
        raise _refused(mark("This account has no folder for the desktop."))
    return tuple(written)


def program(environment: Mapping[str, str]) -> tuple[list[str], Path]:
    """Return the command that starts this program, and its folder; an installed one keeps it over updates."""
    root = environment.get("FETTLE_ROOT")
    if root:
        return [str(Path(root) / "fettle")], Path(root)
    return [sys.executable, "-m", "app"], Path(__file__).parents[3]


def desktop_file(title: str, command: Sequence[str], folder: Path) -> str:
    """Return a desktop entry whose arguments are quoted as the specification says; a dropped file is the last one."""
    quoted = " ".join('"' + re.sub(r'(["`$\\])', r"\\\1", word).replace("%", "%%") + '"' for word in command)
    values = {
        "Type": "Application",
        "Name": title,
        "Comment": "Drop a file, see the answer",
        "Exec": " ".join((quoted, DROPPED)),
        "Path": str(folder),
        "Icon": "fettle",
        "Terminal": "false",
        "Categories": "Utility;",
    }
    lines = (f"{key}={value.replace(chr(92), chr(92) * 2)}" for key, value in values.items())
    return "\n".join(("[Desktop Entry]", *lines, ""))


def windows_script(_title: str, command: Sequence[str], folder: Path) -> str:
    """Return a batch file; a file dropped on it is passed on. Its console closes as soon as the window starts."""
    words = " ".join(f'"{word}"'.replace("%", "%%") for word in command)
    where = str(folder).replace("%", "%%")
    lines = ("@echo off", "chcp 65001 >nul", f'cd /d "{where}"', " ".join(('start ""', words, ALL_WORDS)), "")
    return "\r\n".join(lines)


def shell_script(_title: str, command: Sequence[str], folder: Path) -> str:
    """Return a shell script that Terminal runs on a double click."""
    return f"#!/bin/sh\ncd {shlex.quote(str(folder))} || exit 1\nexec {shlex.join(command)}\n"


def _refused(detail: str) -> Refused:
    hint = mark("Make room for it and try again. Until then, Try it does the same.")
    detail = joined([_(detail), _("Nothing was changed.")])
    return Refused("no_shortcut", "It was not put on the desktop", detail, hint)
