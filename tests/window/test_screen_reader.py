"""What a screen reader receives of every page over AT-SPI, in a process of its own."""

import contextlib
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from finished_run import finished_folder
from rig import Program, Start
from screen_reader import ScreenReader, SessionBus, Spoken

STEPS = ("model", "data", "goal", "optimize", "compare", "try", "export", "jobs", "settings")
REST = ("Projects", "Releases", "Monitor", "Guide")
BELOW = {"All answers": "answers", "What changed": "changes", "Under load": "load", "Under stress": "stress"}
NO_WORDS = re.compile(r"\W*|\[object.*|(push |tool)?button|icon|label|\w+Button", re.IGNORECASE)


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[SessionBus]:
    made = SessionBus(tmp_path)
    yield made
    made.close()


def faults(shown: list[Spoken]) -> list[str]:
    """Controls without a name that means something, and buttons of one name that a listener cannot tell apart."""
    controls = [one for one in shown if one.is_control]
    found = [f"no name: {one.role} {one.name!r} {one.about!r}" for one in controls if NO_WORDS.fullmatch(one.said)]
    twice = Counter((one.role, one.said) for one in controls if one.role not in ("list item", "progress bar"))
    return found + [f"twice: {role} {name!r}" for (role, name), count in twice.items() if count > 1]


def pages(program: Program) -> Iterator[str]:
    """Open each page by a key or its entry in the rail, and yield its id."""
    yield from _each(STEPS, lambda page: program.keys(f"ctrl+{STEPS.index(page) + 1}"), program)
    yield from _each(REST, program.press, program)
    program.click(lambda view: view.find("Device: ", "_ChipButton"), "the chip of the device")
    yield from _each(("gpu",), lambda _page: None, program)
    for caption, page in BELOW.items():
        yield from _each((page,), lambda _page, text=caption: program.look_closer(text), program)
    program.keys("ctrl+1")
    program.press("Choose another model")
    yield from _each(("hub",), lambda _page: program.press("Recognize pictures"), program)


def _each(names: tuple[str, ...], go: Callable[[str], object], program: Program) -> Iterator[str]:
    for name in names:
        go(name)
        program.until_page(name.lower())
        yield name.lower()


@pytest.mark.timeout(300)
def test_every_page_can_be_read(start: Start, bus: SessionBus, tmp_path: Path) -> None:
    """Given a finished run, When a screen reader walks all pages, Then each control has a name of its own, the open page
    is checked in the rail, and a button that it presses opens what it belongs to."""
    finished_folder(tmp_path / "home")
    program = start(project="p1", **bus.environment)
    program.until_ready()
    with contextlib.closing(ScreenReader(bus)) as reader:
        walk_all(program, reader)
        press_one(program, reader)


@pytest.mark.timeout(300)
def test_dialogs_and_a_running_page_can_be_read(start: Start, bus: SessionBus, tmp_path: Path) -> None:
    """Given a finished run, When dialogs open and a run goes on, Then each control in them has a name of its own."""
    finished_folder(tmp_path / "home")
    program = start(project="p1", **bus.environment)
    program.until_ready()
    with contextlib.closing(ScreenReader(bus)) as reader:
        found = read_dialog(program, reader, "Rename", lambda: program.keys("F2"))
        program.press("Guide")
        report = "Save a problem report"
        found += read_dialog(program, reader, report, lambda: program.press(report))
        program.keys("ctrl+3")
        program.press("Start (")
        program.until_page("optimize", "running")
        found += read_dialog(program, reader, "Stop the work", lambda: program.keys("ctrl+q"))
        shown = list(reader.walk())
        assert program.see().state == "running" and any(one.role == "progress bar" for one in shown)
    assert found + faults(shown) == []


def read_dialog(program: Program, reader: ScreenReader, title: str, ask: Callable[[], object]) -> list[str]:
    """Open a dialog, read it, and leave it; return its faults."""
    ask()
    program.until(lambda view: view.modal, 30, f"the dialog {title!r}")
    time.sleep(0.5)
    shown = list(reader.walk())
    (top,) = [one for one in shown if one.role == "dialog"]
    inside = below(shown, top.path)
    own = [one for one in shown if one.path in inside]
    assert title in top.name and sum(one.is_control for one in own) >= 2, [(one.role, one.name) for one in own]
    program.keys("Escape")
    program.until(lambda view: not view.modal, 30, f"the end of {title!r}")
    return [f"{title}: {fault}" for fault in faults(own)]


def walk_all(program: Program, reader: ScreenReader) -> None:
    walked, controls = [], 0
    found: list[str] = []
    for page in pages(program):
        time.sleep(0.5)  # a page that has just come may still be filled
        shown = list(reader.walk())
        walked.append(page)
        controls += sum(one.is_control for one in shown)
        found += [f"{page}: {fault}" for fault in faults(shown)]
        if page in STEPS:
            on = [one.name.lower() for one in shown if "checked" in one.states and one.path in rail(shown)]
            assert on == [page if page != "try" else "try it"]
    assert len(walked) == len(STEPS) + len(REST) + len(BELOW) + 2
    print(f"{controls} controls on {len(walked)} pages")  # noqa: T201 - the figure is the point
    assert found == []


def press_one(program: Program, reader: ScreenReader) -> None:
    program.keys("ctrl+9")
    program.until_page("settings", "full")
    (fold,) = [one for one in reader.walk() if one.name == "Libraries and licenses"]
    assert "checked" not in fold.states
    reader.press(fold)
    program.wait(lambda: any(one.name == "Libraries and their licenses" for one in reader.walk()), 10, "the table")
    assert "checked" in next(one.states for one in reader.walk() if one.name == "Libraries and licenses")


def rail(shown: list[Spoken]) -> set[str]:
    """Paths of the rail's entries."""
    return below(shown, next(one.path for one in shown if one.name == "Pages"))


def below(shown: list[Spoken], top: str) -> set[str]:
    """Paths of an object and of all that is in it."""
    inside = {top}
    for one in shown:  # each comes after its parent
        inside |= {one.path} if one.parent in inside else set()
    return inside
