""" "Try it" and "Prove it" in the real window, by a real mouse, real drags and real keys."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from finished_run import finished_folder, write_part, write_picture
from rig import Program, Start, View
from small_model import write_model, write_pictures, write_quick_preset
from stopwatch import Stopwatch

RUN_S = 240


def workers(program: Program) -> set[int]:
    """Processes that work or wait for the window."""
    found = set()
    for child in program.children:
        with contextlib.suppress(psutil.Error):
            if child.nice() > 0:
                found.add(child.pid)
    return found


def answered(name: str, count: str) -> Callable[[View], bool]:
    """Both answers to an input are there, and a line of what was tried."""
    texts = ("Confidence", "Original", "Optimized", "calls each", name, count)
    return lambda view: all(text in view.texts for text in texts)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_picture_is_tried_after_a_run(start: Start, tmp_path: Path) -> None:
    """Given a run that is over, When a picture is dropped on Try it, Then both versions answer it, and the processes
    that hold them end with the page."""
    write_quick_preset(tmp_path / "home")
    program = start(str(write_model(tmp_path / "colors.onnx")))
    program.until_page("model", "full", 30)
    program.press("Continue to data")
    program.until_page("data", "empty")
    pictures = write_pictures(tmp_path / "my pictures")
    program.drop(pictures)
    program.until_page("data", "full", 60)
    program.press("Continue")
    program.until_page("goal", "full")
    program.click(lambda view: view.find("Quick", "QRadioButton"), "the card Quick")
    program.press("Start (")
    program.until_page("optimize", "running")
    program.until(lambda view: view.state in ("finished", "kept_original"), RUN_S, "the end of the run")

    before = workers(program)
    program.press("Try it")
    program.until_page("try", "full")
    program.until_text("From your test pictures", "Waiting for an input.")
    program.drop(pictures / "green" / "ünï 3.png")
    view = program.until(answered("ünï 3.png, as 48 × 48 pixels", "1 picture, 1 same answer"), 30, "both answers")
    assert "Same answer, " in view.texts and view.texts.count("green") >= 2
    assert view.strays == ()
    both = workers(program) - before
    assert len(both) >= 2
    program.press("Compare")
    program.until_page("compare", "full")
    program.wait(lambda: not both & workers(program), 5, "the end of both processes")
    assert program.errors.read_text(encoding="utf-8") == ""


@pytest.mark.timeout(300)
def test_prove_it_by_a_drop_and_try_it_by_keys(start: Start, tmp_path: Path) -> None:
    """Given a result that 48 pictures do not prove, When more are dropped, Then it is proven; an example is tried by
    keys alone; closing the window ends all."""
    finished_folder(tmp_path / "home")
    more = write_part(tmp_path / "more.npz", 50, 420)
    picture = write_picture(tmp_path / "boot.png", 3, side=200)
    program = start(project="p1")
    program.open_compare()
    program.until_text("Looks alike, not proven", "How to prove it", "48 of about", "or drop them on this page")
    program.drop(more)
    program.until_text("faster, same answers", "Safe to ship", "360 were new and count", limit_s=120)

    before = workers(program)
    program.keys("ctrl+6")
    program.until_page("try", "full")
    program.until_text("Waiting for an input.", "From your test pictures")
    for _ in range(30):
        program.keys("Tab")
        if any(item.focus and item.kind == "ExampleStrip" for item in program.see().items):
            break
    program.keys("Right", "Return")
    program.until(answered("test example", "1 picture, 1 same answer"), 30, "both answers")
    program.drop(picture, on=(600, 300))
    program.until(answered("boot.png, as 28 × 28 pixels", "2 pictures, 2 same answers"), 30, "both answers")
    assert program.see().strays == ()
    assert len(workers(program)) >= 2
    begun = workers(program) - before
    program.press("Compare")
    program.until_page("compare", "full")
    program.wait(lambda: not begun & workers(program), 5, "the end of both processes")
    program.keys("ctrl+q")
    watch = Stopwatch()
    assert program.process.wait(60) == 0
    watch.check(10.0)
    assert workers(program) == set()
    assert program.errors.read_text(encoding="utf-8") == ""
