"""The page Under load in the real window, by a real mouse: asked, measured, cancelled, found again."""

from pathlib import Path

import pytest
from finished_run import finished_folder
from rig import Program, Start

WHOLE_S = 900


def opened(start: Start, home: Path) -> Program:
    """A finished run of the sample, at its page Under load."""
    finished_folder(home)
    program = start(project="p1")
    program.look_closer("Under load")
    program.until_page("load", "ask")
    return program


@pytest.mark.timeout(300)
def test_started_cancelled_and_left(start: Start, tmp_path: Path) -> None:
    """Given Start, Then the step and the time left can be read; Cancel leads back; left and closed in the middle, all
    ends."""
    program = opened(start, tmp_path / "home")
    program.until_text("Measure under load", "10 seconds for each part", "minutes in all")
    program.press("Start")
    program.until_page("load", "loading")
    program.until_text("Batch sizes: Original (step 1 of 6)", "left")
    program.press("Cancel")
    program.until_page("load", "ask", 5)
    program.press("Start")
    program.until_page("load", "loading")
    program.keys("ctrl+5")
    program.until_page("compare", "full")
    program.keys("ctrl+q")
    program.until_text("Stop the work and close?", "under load is still running")
    program.press("Stop and close")
    assert program.process.wait(60) == 0


@pytest.mark.slow
@pytest.mark.timeout(WHOLE_S + 120)
def test_measured_to_the_end_and_priced(start: Start, tmp_path: Path) -> None:
    """Given ten seconds for each part, Then the result shows both versions, a price gives costs, and both are there
    after the next start."""
    program = opened(start, tmp_path / "home")
    program.press("Start")
    program.until_page("load", "loading")
    program.until_page("load", "full", WHOLE_S)
    program.until_text("On this computer", "Latency over request rate", "Cold start")
    program.keys("ctrl+q")
    assert program.process.wait(60) == 0
    again = start()
    again.look_closer("Under load")
    again.until_page("load", "full")
    again.until_text("On this computer", "answers about")
