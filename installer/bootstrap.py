"""Set Fettle up if needed and start Fettle or its tests, with the standard library only.

Usage:
    python3 bootstrap.py start [--gpu rtx|cuda|none] [arguments of fettle]
    python3 bootstrap.py test [arguments of pytest]
    python3 bootstrap.py repair
    python3 bootstrap.py cost SET [FOLDER]
    python3 bootstrap.py add web|language|sign|cluster|rtx|cuda FOLDER
    python3 bootstrap.py versions install|adopt|back|remove|clean ROOT …

This file uses only syntax that much older versions of Python can parse, so that it can name the version it needs.
"""

import os
import subprocess
import sys

OLDEST = (3, 11)
NEWEST = (3, 14)


def fits(version: "tuple[int, int]") -> bool:
    """Return whether Fettle's dependencies have builds for this (major, minor) version of Python."""
    return OLDEST <= tuple(version) <= NEWEST


def find_python() -> "str | None":
    """Return the path of another suitable Python, the newest first; None if there is none."""
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        command = ["py", "-3.%d" % minor] if os.name == "nt" else ["python3.%d" % minor]  # noqa: UP031
        try:
            report = subprocess.check_output(
                [*command, "-c", "import sys; print(sys.executable)"], stderr=subprocess.DEVNULL
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return report.decode("utf-8", "replace").strip()
    return None


def main(arguments: "list[str]") -> int:
    """Run the command with a suitable Python and return its exit code."""
    if not fits(sys.version_info[:2]):
        other = find_python()
        if other is not None:
            return subprocess.call([other, "-ES", os.path.abspath(__file__), *arguments])  # noqa: PTH100
        sys.stderr.write(
            "Fettle needs Python 3.11 to 3.%d, and this is Python %d.%d.\n"  # noqa: UP031
            % (NEWEST[1], sys.version_info[0], sys.version_info[1])
            + "Install one of them (your system's packages have it), then run the same command again.\n"
        )
        return 6
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    sys.path.insert(0, folder)  # python -P leaves it out
    sys.path.append(os.path.dirname(folder))  # noqa: PTH120 - modules of the program need the standard library only
    from steps.command import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
