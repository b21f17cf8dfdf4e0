"""What is pressed in the real window before its parts exist."""

import subprocess
import time

import pytest
from rig import Program, Start


def press_at_once(program: Program, place: tuple[int, int]) -> float:
    """Press as soon as the window is there, and return when, in seconds from the start."""
    screen, pid = program.screen, str(program.process.pid)
    while True:
        command = ["xdotool", "search", "--all", "--onlyvisible", "--pid", pid, "--name", "Fettle$"]
        if subprocess.run(command, env=screen.environment, capture_output=True, check=False).stdout.strip():
            break
        assert program.process.poll() is None and time.monotonic() < program.started_s + 300
    screen.do("mousemove", *place, "click", 1)
    return time.monotonic() - program.started_s


@pytest.mark.timeout(300)
def test_what_is_pressed_before_the_window_is_ready_is_done(start: Start) -> None:
    """Given a window that was closed, When it is opened again and an entry of the rail is pressed at once, Then its page
    is opened; when the sample is pressed at once, Then it is opened."""
    program = start()
    program.until_text("This computer's processor")  # the last of the start
    view = program.see()
    places = [item.middle for item in (view.button("Guide"), view.button("Try the sample")) if item is not None]
    program.close_window()
    assert program.process.wait(60) == 0 and list((program.home / "data" / "first-looks").glob("*.png"))
    for place, pages in zip(places, (("guide",), ("data", "goal")), strict=True):
        program = start()
        press_at_once(program, place)
        program.until(lambda view, pages=pages: view.page in pages, 90, f"one of the pages {pages}")
        program.check_clean()
        program.end()
