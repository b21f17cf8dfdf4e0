"""Files that a page cannot use, chosen or dropped by a real mouse: what was open stays, and the page leads back to it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rig import Program
from small_model import write_model, write_pictures

Start = Callable[..., Program]


@pytest.mark.timeout(240)
def test_wrong_file_leads_back_to_what_was_open(start: Start, tmp_path: Path) -> None:
    """Given a model and pictures, When a file that is neither is dropped on Model and on Data, Then each page says why and
    one click shows again what was open."""
    program = start(str(write_model(tmp_path / "colors.onnx")))
    program.until_page("model", "full", 30)
    program.drop(write_pictures(tmp_path / "pictures", each=8))
    program.until_page("data", "full", 60)

    empty = tmp_path / "empty.csv"
    empty.write_text("")
    program.drop(empty)
    program.until_page("data", "error", 60)
    program.press("Back to “pictures”")
    program.until_page("data", "full")
    program.until_text("24 pictures of 3 kinds, ready to use")

    page = tmp_path / "model.onnx"
    page.write_bytes(b"<!DOCTYPE html><html>Not found</html>")
    program.drop(page)
    program.until_page("model", "error", 60)
    program.press("Back to “colors”")
    view = program.until_page("model", "full")
    assert "Continue to data" in view.texts and view.strays == ()
    assert program.errors.read_text(encoding="utf-8") == ""
