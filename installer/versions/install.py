"""Install a version beside the others, test it, move the pointer, and go back to the version before.

Every step leaves a pointer to a version that works: the new one gets its name after it is complete and tested, and
another is deleted only after nothing points to it.
"""

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from steps.words import Progress, SetupError, print_line

from app.files import digest_of, sync_folder, write_whole
from versions.archive import unpack, verify
from versions.root import NEW, SAFE, Root, is_running, python_of, read_payload, words_for_disk

SMOKE_S = 300
"""Seconds for each part of the test of a version: a slow disk reads the engines for the first time."""


def this_platform() -> str:
    """Return the name of this computer's platform as `payload.json` gives it, such as linux-x86_64."""
    return f"{sys.platform}-{platform.machine().lower()}"


def install(root: Path, archive: Path, sha256: str = "") -> str:
    """Install the version in an archive and return its name; `sha256` is the archive's own, "" if it is not known.

    Raises:
        SetupError: nothing was installed, and the program works as before.
    """
    own = Root(root)
    with own.held():
        if sha256 and digest_of(archive) != sha256:
            raise SetupError(
                "The downloaded file is damaged or was changed.", f"Download it again. {SAFE}", "version_damaged"
            )
        (current, _previous), new = own.pointer(), own.versions / NEW
        print_line("Unpacking the new version")
        progress = Progress()
        new.mkdir(mode=0o755)
        payload = unpack(
            archive, new, own.folder(current) if current else None,
            lambda done, total: progress.show("Unpacking and checking", done, total, "files"),
        )  # fmt: skip
        progress.end()
        version = _checked(payload["version"], payload["platform"], current)
        smoke(new)
        if os.name == "posix":
            os.sync()  # thousands of new files in one call; on Windows each was written at its end
        if (own.versions / version).exists() and not own.put_away(version):
            raise SetupError(f"Version {version} is running.", f"Close it and try again. {SAFE}", "version_running")
        new.replace(own.folder(version))
        _point(own, version)
    return version


def adopt(root: Path, version: str) -> str:
    """Make a version current that a package manager has unpacked below ``versions``; raises `SetupError`."""
    own = Root(root)
    with own.held():
        payload = read_payload(own.folder(version))
        verify(own.folder(version), payload)
        _checked(payload["version"], payload["platform"], "")
        smoke(own.folder(version))
        _point(own, version)
    return version


def go_back(root: Path, choice: Path | None = None) -> str:
    """Start the previous version from now on, and keep the current one as the previous.

    With `choice`, a file of one person, the folder of the program stays as it is and only that person goes back. The
    choice holds until another version becomes current.

    Raises:
        SetupError: there is no version to go back to, or it does not start.
    """
    own = Root(root)
    if choice is not None:
        with words_for_disk(choice.parent):
            current, previous = own.pointer()
            smoke(_to_go_back_to(own, previous))
            choice.parent.mkdir(parents=True, exist_ok=True)
            write_whole(choice, f"{previous}\n{current}\n".encode())
        return previous
    with own.held():
        current, previous = own.pointer()
        smoke(_to_go_back_to(own, previous))
        own.point(previous, current)
    return previous


def remove(root: Path, version: str) -> str:
    """Delete a version that is neither current nor running; raises `SetupError`."""
    own = Root(root)
    with own.held():
        current, previous = own.pointer()
        if version == current or is_running(own.folder(version)):
            raise SetupError(f"Version {version} is in use.", "Remove an older one.", "version_running")
        if version == previous:
            own.point(current, "")
        if (own.versions / version).exists():
            own.put_away(version)
    return version


def clean(root: Path) -> str:
    """Remove what an interrupted change left and return the current version; raises `SetupError`."""
    own = Root(root)
    with own.held():
        own.prune()
    return own.pointer()[0]


def smoke(folder: Path) -> None:
    """Start a version and import each of its engines; raises `SetupError` if that fails or takes too long."""
    print_line("Testing the new version")
    folder = folder.absolute()  # the test runs in another folder
    version = read_payload(folder)["version"]
    own_test = folder / "fettle" / "installer" / "versions" / "smoke.py"
    if version not in _output(folder, "-m", "app", "--version").split():
        raise _does_not_work(version, "it states another version")
    _output(folder, str(own_test))


def _output(folder: Path, *arguments: str) -> str:
    """Run the Python of a version in an empty home folder and return what it prints."""
    hidden = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP")
    environ = {name: value for name, value in os.environ.items() if name not in hidden}
    with tempfile.TemporaryDirectory() as home:
        environ |= {"FETTLE_HOME": home, "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                [python_of(folder), "-sP", *arguments], env=environ, cwd=home, capture_output=True, text=True,
                encoding="utf-8", errors="replace", stdin=subprocess.DEVNULL, timeout=SMOKE_S, check=True,
            )  # fmt: skip
        except subprocess.CalledProcessError as error:
            lines = (error.stderr or error.stdout or "").strip().splitlines() or [f"exit code {error.returncode}"]
            raise _does_not_work(folder.name, lines[-1][:200]) from error
        except subprocess.TimeoutExpired as error:
            raise _does_not_work(folder.name, f"it did not start in {SMOKE_S} seconds") from error
        except OSError as error:
            raise _does_not_work(folder.name, error.strerror or str(error)) from error
    return done.stdout


def _does_not_work(version: str, reason: str) -> SetupError:
    what = f"The other version does not start on this computer ({reason})."
    return SetupError(what, f"Keep the version that you have. {SAFE}", "version_does_not_start")


def _checked(version: str, made_for: str, current: str) -> str:
    if made_for != this_platform():
        what = f"This version is made for {made_for[:40]}, and this computer is {this_platform()}."
        raise SetupError(what, f"Take the one for this computer. {SAFE}", "version_platform")
    if version == current:
        raise SetupError(f"Version {version} is installed already.", SAFE, "version_installed")
    return version


def _to_go_back_to(own: Root, previous: str) -> Path:
    if not previous:
        raise SetupError("There is no previous version here.", SAFE, "version_none")
    return own.folder(previous)


def _point(own: Root, version: str) -> None:
    """Move the pointer to a version, keep the one before it and delete all others."""
    sync_folder(own.versions)
    current, previous = own.pointer()
    own.point(version, previous if current == version else current)
    own.prune()
