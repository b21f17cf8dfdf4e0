"""Answer a folder by mouse: stopped in the middle, continued, saved; and the small window of a shortcut."""

import csv
from pathlib import Path

import pytest
from finished_run import finished_folder, write_picture
from rig import Start

N_PICTURES = 120


def write_folder(folder: Path, count: int) -> Path:
    """A folder of the sample's pictures with one file that is none."""
    folder.mkdir()
    for number in range(count):
        write_picture(folder / f"picture {number:03}.png", number)
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.mark.timeout(300)
def test_a_folder_is_answered_stopped_continued_and_saved(start: Start, tmp_path: Path) -> None:
    """Given a result, When a folder is dropped, cancelled and continued, Then all its pictures have an answer, those
    of the exported bundle, and the table is saved where the person says."""
    finished_folder(tmp_path / "home")
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
    assert f"{N_PICTURES} answered" not in program.see().texts
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
    program.check_clean()
