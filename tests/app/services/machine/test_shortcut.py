"""Shortcuts: arguments survive the quoting of each system, and the files lie where the system looks."""

import configparser
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from flows import codes

from app.services.machine.shortcut import put_on_desktop

ARGUMENTS = ["desk", "r1", "--data-dir", '/home/ö $HOME `x` "q" 100%/b\\c']


def read_by_shell(command: str) -> list[str]:
    """Return the words of a quoted command."""
    shown = subprocess.run(["sh", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True, check=True)
    return shown.stdout.splitlines()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with a folder for the desktop."""
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_DESKTOP_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "Desktop").mkdir()
    return tmp_path


def test_desktop_entry_starts_this_program_with_its_arguments(home: Path) -> None:
    """Given arguments with all characters that are special, When the entry is unquoted as the specification says, Then
    they are as before; it lies on the desktop and among the applications, and may be started."""
    places = put_on_desktop("Kleider / März", ARGUMENTS, "linux", {})
    assert [place.parent for place in places] == [home / "Desktop", home / ".local" / "share" / "applications"]
    parser = configparser.RawConfigParser()
    parser.read(places[0], encoding="utf-8")
    entry = parser["Desktop Entry"]
    assert entry["Name"] == "Kleider / März" and entry["Terminal"] == "false"
    command, _, dropped = entry["Exec"].replace("\\\\", "\\").replace("%%", "%").rpartition(" ")
    assert dropped == "%f"
    assert read_by_shell(command) == [sys.executable, "-m", "app", *ARGUMENTS]
    assert places[0].stat().st_mode & stat.S_IXUSR
    installed = put_on_desktop("Kleider", ARGUMENTS, "linux", {"FETTLE_ROOT": "/opt/fettle"})
    assert 'Exec="/opt/fettle/fettle" "desk"' in installed[0].read_text(encoding="utf-8")


def test_scripts_of_other_systems_hold_the_arguments(home: Path) -> None:
    """Given the same, When scripts for macOS and Windows are written, Then a shell reads the arguments back."""
    (script,) = put_on_desktop("Kleider", ARGUMENTS, platform="darwin", environment={})
    last = script.read_text(encoding="utf-8").splitlines()[-1]
    assert read_by_shell(last.removeprefix("exec ")) == [sys.executable, "-m", "app", *ARGUMENTS]
    (batch,) = put_on_desktop("Kleider", ARGUMENTS, platform="win32", environment={})
    assert batch.read_bytes().count(b"\r\n") == 4 and b"100%%" in batch.read_bytes()


def test_a_desktop_that_cannot_be_written_is_refused(home: Path) -> None:
    """Given a folder in the place of the shortcut, When it is written, Then it is refused by its code."""
    (home / "Desktop" / "Kleider.desktop").mkdir()
    assert codes(lambda: put_on_desktop("Kleider", ARGUMENTS, "linux", {})) == ("no_shortcut", 3)
