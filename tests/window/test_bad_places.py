"""Places where the program cannot keep its data, or that have odd names: the window opens all the same."""

import contextlib
from pathlib import Path

from rig import Start

from app.instance import InstanceLock
from app.paths import DataPaths


def test_file_in_the_place_of_the_data_folder_is_explained(start: Start, tmp_path: Path) -> None:
    """Given a file where the data folder should be, When the program starts, Then its window says so without a command."""
    place = tmp_path / "taken"
    place.touch()
    program = start(FETTLE_HOME=str(place))
    program.until_page("model", "stopped")
    view = program.until_text("Fettle cannot use its data folder", "a file is in its place", "Move that file")
    assert "--data-dir" not in view.texts
    program.close_window()
    assert program.process.wait(60) == 6


def test_full_disk_is_explained(start: Start, small_disk: Path) -> None:
    """Given a data folder on a full disk, When the program starts, Then its window says so."""
    with (small_disk / "fill").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    program = start(FETTLE_HOME=str(small_disk / "data"))
    program.until_page("model", "stopped")
    program.until_text("Fettle cannot use its data folder", "is full")


def test_folder_in_use_by_a_command_is_explained(start: Start, tmp_path: Path) -> None:
    """Given a command that works on the data folder, When the program starts, Then its window names that command."""
    with InstanceLock.take(DataPaths(tmp_path / "busy"), "command", "fettle optimize"):
        program = start(FETTLE_HOME=str(tmp_path / "busy"))
        program.until_page("model", "stopped")
        program.until_text("Another program is using", "fettle optimize")


def test_odd_names_are_no_obstacle(start: Start, tmp_path: Path) -> None:
    """Given a data folder with spaces, quotes and letters of other alphabets, When the program starts, Then it is ready."""
    name = "with  spaces & 'quotes' Größe 模型 عربي ไทย"
    program = start(FETTLE_HOME=str(tmp_path / name), DBUS_SESSION_BUS_ADDRESS="")
    program.until_page("model", "empty")
    program.wait((tmp_path / name / "fettle.db").exists, 30, "the database")
    program.check_clean()
