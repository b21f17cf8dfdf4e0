"""A version is tried on a phone by a real mouse: the code, a browser as the phone, the figures in Compare, the end."""

import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser import opened_browser
from finished_run import finished_folder
from rig import Program, Start

from app.jobs.phone_page import VARIABLE
from workers.export.web import engine
from workers.registry import missing

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/#\w+")
OPEN_S = 240


@pytest.fixture
def program(start: Start, tmp_path: Path) -> Program:
    """The window at Compare of a finished run, whose local network is the loopback address."""
    if missing((engine.PACKAGE,)):
        pytest.skip("what web pages bring along is not here.")
    finished_folder(tmp_path / "home")
    made = start(project="p1", **{VARIABLE: "127.0.0.1"})
    made.open_compare()
    return made


def show_code(program: Program) -> str:
    """Show the code by clicks and return the address in it."""
    program.press("Try it on a phone")
    program.until_text("opens one page at 127.0.0.1", limit_s=60)
    assert ADDRESS.search(program.see().texts) is None
    program.press("Show the code")
    view = program.until(lambda view: ADDRESS.search(view.texts), OPEN_S, "the code")
    return ADDRESS.search(view.texts)[0]


def is_reachable(address: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", urlsplit(address).port)) == 0


@pytest.mark.whole
@pytest.mark.timeout(900)
def test_browser_measures_once_and_compare_shows_it(program: Program) -> None:
    """Given a finished run, When the code is opened in a browser, Then it measures the page, and dialog and Compare show
    times and answers alike; a second device is refused; after the dialog is closed nothing listens."""
    address = show_code(program)
    with opened_browser() as phone:
        phone.get(address)
        program.until_text("test answers are alike", "One answer takes", limit_s=120)
        assert re.search(r"(\d) of \1 test answers are alike", program.see().texts)
        phone.delete_all_cookies()  # another device
        phone.get(address)
        program.wait(lambda: "already used" in phone.page_source, 20, "the refusal of a second device")
        assert is_reachable(address)
        program.press("Close")
        program.until(lambda view: not view.modal, 10, "the end of the dialog")
        program.wait(lambda: not is_reachable(address), 10, "the end of the page")
    program.screen.do("mousemove", 800, 500, "click", "--repeat", 30, "--delay", 10, 5)
    program.until_text("“Original” in Chrome", "on Linux", "measurements")
    program.check_clean()
