"""A model whose inputs are prepared wrongly, by a real mouse: the run asks before it measures."""

from pathlib import Path

import pytest
from rig import Start
from small_model import swapped_model, write_pictures, write_quick_preset


@pytest.mark.timeout(300)
def test_run_asks_before_it_measures_wrong_inputs(start: Start, tmp_path: Path) -> None:
    """Given a model that needs another order of colors, When a run is started, Then it asks, and the better preparation is
    taken by one click: the run starts with it."""
    write_quick_preset(tmp_path / "home")
    program = start(str(swapped_model(tmp_path / "colors.onnx")))
    program.until_page("model", "full", 30)
    program.drop(write_pictures(tmp_path / "pictures", each=20))
    program.until_page("data", "full", 60)
    program.press("Continue")
    program.until_page("goal", "full", 30)
    program.click(lambda view: view.find("Quick", "QRadioButton"), "the card Quick")
    program.press("Start (")
    program.until(lambda view: view.modal == "Are the inputs prepared correctly?", 60, "the question")
    program.press("Use the one that fits, and start")
    program.until_page("optimize", "running", 60)
    program.keys("ctrl+1")
    view = program.until_text("as you set it")
    assert view.strays == ()
    program.keys("ctrl+4")
    program.press("Cancel")
    assert program.errors.read_text(encoding="utf-8") == ""
