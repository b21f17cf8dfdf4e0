"""Space is freed on the page Settings by a real mouse: a forecast first, then what nothing needs goes."""

import os
from pathlib import Path

import pytest
from finished_run import finished_folder
from rig import Start

from app.services.flow.artifacts import ArtifactStore
from workers.contracts.process.disk import file_sizes


def add_old_artifact(data: Path, key: str, size: int) -> Path:
    """Put an artifact into the store that no project names and that was used long ago."""
    work = data / "jobs" / "made"
    work.mkdir(parents=True)
    (work / "weights").write_bytes(bytes(size))
    folder = ArtifactStore(data / "store").adopt(work, key, {}).folder
    os.utime(folder, (0, 0))
    return folder


@pytest.mark.timeout(300)
def test_space_is_freed_after_a_forecast(start: Start, tmp_path: Path) -> None:
    """Given a finished run and 3 MB that no project needs, When "Free space…" is pressed on Settings and left, Then
    nothing is gone; When it is confirmed, Then just what was forecast is gone, and the project opens as before."""
    data = finished_folder(tmp_path / "home") / "data"
    old = add_old_artifact(data, "ab" * 32, 3_000_000)
    program = start(project="p1")
    program.until_ready()
    program.press("Settings")
    program.until_page("settings", "full")
    program.until_text("Disk space", "of it can be freed", "Of no project")
    before = sum(file_sizes(data / "store"))
    program.press("Free space…")
    program.until_text("No project, run or release needs this", "3.0 MB of deleted projects", "stay: all projects")
    program.press("Cancel")
    program.until_text("of it can be freed")
    assert old.is_dir() and sum(file_sizes(data / "store")) == before
    program.press("Free space…")
    program.until(lambda view: view.button("Cancel"), 20, "the question")
    program.press("Free 3.0 MB")
    program.until_text("3.0 MB were freed.", "All of it is needed")
    assert not old.exists() and before - sum(file_sizes(data / "store")) > 3_000_000
    program.keys("ctrl+5")
    program.until_page("compare", "full", 60)
