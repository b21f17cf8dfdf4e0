"""Files that a page cannot use, chosen or dropped by a real mouse: what was open stays, and the page leads back to it."""

from pathlib import Path

import pytest
from rig import Program, Start
from small_model import write_model, write_pictures

EMPTY = ("Releases", "Export", "Compare", "Try it")
"""Pages that are empty before a run."""


def choose_path(program: Program, path: Path) -> None:
    """Type a path into the dialog that is open; its list of suggestions may take the first Return for itself."""
    program.type(str(path))
    for _ in range(2):
        program.keys("Return")
        if program.comes(lambda view: not view.modal):
            return
    raise AssertionError("the dialog stays open")


@pytest.mark.timeout(300)
def test_chosen_dropped_and_wrong_files_open_or_lead_back(start: Start, tmp_path: Path) -> None:
    """Given no model, Then the empty pages lead to Model with one click, and dropped pictures wait for a model; given a
    model, Then the pictures are read for it and the empty pages lead to Goal. When Ctrl+O is pressed on Data, Then its
    dialog chooses examples; when a file that is neither is dropped, Then Data and Model state why and one click shows again
    what was open; a data file that is chosen in the dialog of Model is understood as a dropped one is."""
    program = start()
    program.until_page("model", "empty", 30)
    for entry in EMPTY:
        program.press(entry)
        program.until(lambda view: view.page not in ("model", "goal") and view.button("Choose a model"), 15, entry)
        program.press("Choose a model")
        program.until_page("model", limit_s=15)
    program.drop(write_pictures(tmp_path / "dropped", each=8))
    program.until_text("These are examples, but a model is needed first")
    program.drop(write_model(tmp_path / "late.onnx"))
    program.until_page("data", "full", 60)
    program.until_text("24 pictures of 3 kinds, ready to use")
    for entry in EMPTY:
        program.press(entry)
        program.press("Choose a goal")
        program.until_page("goal", "full", 15)

    program.keys("ctrl+2")
    program.until_page("data", "full", 30)
    program.keys("ctrl+o")
    program.until(lambda view: view.modal == "Choose a folder of examples", 15, "the dialog of the page Data")
    choose_path(program, write_pictures(tmp_path / "pictures", each=10))
    program.until_text("30 pictures of 3 kinds, ready to use", limit_s=60)

    empty = tmp_path / "empty.csv"
    empty.write_text("")
    program.drop(empty)
    program.until_page("data", "error", 60)
    program.press("Back to “pictures”")
    program.until_page("data", "full")
    program.until_text("30 pictures of 3 kinds, ready to use")

    page = tmp_path / "model.onnx"
    page.write_bytes(b"<!DOCTYPE html><html>Not found</html>")
    program.drop(page)
    program.until_page("model", "error", 60)
    program.press("Back to “late”")
    view = program.until_page("model", "full")
    assert "Continue to data" in view.texts

    program.keys("ctrl+o")
    program.until(lambda view: view.modal == "Choose a model", 15, "the dialog of the page Model")
    table = tmp_path / "numbers.csv"
    table.write_text("text,label\na,b\n", encoding="utf-8")
    choose_path(program, table)
    program.until_page("data", limit_s=60)
    assert "numbers.csv" in program.until(lambda view: view.state in ("full", "error"), 60, "the page Data").texts
    program.check_clean()
