"""Answer a folder by mouse: stopped in the middle, continued, saved; and the small window of a shortcut."""

import configparser
import csv
import shlex
import subprocess
from pathlib import Path

import pytest
from finished_run import finished_folder, write_picture
from rig import Program, Start

N_PICTURES, N_DRAWN, SIDE_PX = 300, 6, 1400
"""So many and so large that answering them takes longer than a look at the page and a click, on fast computers too."""


def write_folder(folder: Path, count: int) -> Path:
    """A folder of the sample's pictures, of which `N_DRAWN` differ, with one file that is none."""
    folder.mkdir()
    for number in range(count):
        path = folder / f"picture {number:03}.png"
        if number < N_DRAWN:
            write_picture(path, number, SIDE_PX)
        else:
            path.hardlink_to(folder / f"picture {number % N_DRAWN:03}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.mark.timeout(600)
def test_a_folder_is_answered_and_a_shortcut_opens_beside_the_window(start: Start, tmp_path: Path) -> None:
    """Given a result, When a folder is dropped, cancelled and continued, Then all its pictures have an answer, those
    of the exported bundle, and the table is saved where the person says; When the result is put on the desktop and the
    shortcut is started while the window is open, Then the small window comes and closes cleanly."""
    finished_folder(tmp_path / "home")
    (tmp_path / "home" / "Desktop").mkdir()
    folder = write_folder(tmp_path / "my pictures", N_PICTURES)
    program = start(project="p1")
    program.open_compare()
    program.keys("ctrl+6")
    program.until_page("try", "full")
    program.press("Answer a folder…")
    program.until_page("folder", "full")
    program.drop(folder)
    program.until_page("folder", "running")
    program.press("Cancel")
    program.until_page("folder", "stopped")
    stopped = next(item.text for item in program.see().items if f" of {N_PICTURES + 1}" in item.text)
    assert 0 <= int(stopped.split()[0]) <= N_PICTURES
    program.press("Continue")
    view = program.until_page("folder", "done")
    assert f"{N_PICTURES} answered, 1 without an answer" in view.texts
    program.press("Save as…")
    program.wait(lambda: program.see().modal, 20, "the dialog")
    out = tmp_path / "answers of mine.csv"
    program.keys("ctrl+a")
    program.type(str(out))
    program.keys("Return")
    program.wait(out.exists, 30, "the table")
    program.until_text("Saved as answers of mine.csv", "Open folder")
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == N_PICTURES + 1 and sum(bool(row["problem"]) for row in rows) == 1

    program.keys("ctrl+6")
    program.until_page("try", "full")
    program.press("Put it on the desktop")
    program.until_text("“Clothes classifier” is on the desktop")
    entry = configparser.RawConfigParser()
    entry.read(tmp_path / "home" / "Desktop" / "Clothes classifier.desktop", encoding="utf-8")
    command = shlex.split(entry["Desktop Entry"]["Exec"])[:-1]
    errors = tmp_path / "errors.txt"
    with errors.open("wb") as file:
        small = subprocess.Popen(command, cwd=entry["Desktop Entry"]["Path"], env=program.environment, stderr=file)
    try:
        search = ["search", "--all", "--onlyvisible", "--pid", small.pid, "--name", "Clothes classifier"]
        found = program.wait(lambda: _found(program, search), 60, "the small window")
        program.screen.do("windowactivate", "--sync", found)
        program.keys("alt+F4")
        assert small.wait(30) == 0
    finally:
        small.kill()
    assert errors.read_text(encoding="utf-8") == ""
    program.check_clean()


def _found(program: Program, search: list[object]) -> str:
    try:
        return program.screen.do(*search).split()[0]
    except subprocess.CalledProcessError:  # there is none yet
        return ""
