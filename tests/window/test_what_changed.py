"""From the verdict to the answer in the real window: two clicks."""

from pathlib import Path

import foreign_models as foreign
import pytest
from fettle_command import Fettle
from rig import Program, Start

from presets.sample import sample_paths

HEADER_PX, ROW_PX, EDGE_PX = 32, 34, 36


def click_why(program: Program, row: int) -> None:
    """Click "Why?" at the end of a row of the table of versions."""
    table = program.until(lambda view: view.find("All versions", "Table"), 30, "the table").find(
        "All versions", "Table"
    )
    assert table is not None
    left, top, width, _height = table.rect
    program.screen.do("mousemove", left + width - EDGE_PX, top + HEADER_PX + ROW_PX * row + ROW_PX // 2)
    program.screen.do("click", 1)
    program.clicks += 1


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["safe", "regressed"])
def test_two_clicks_lead_from_the_verdict_to_the_answer(start: Start, tmp_path: Path, kind: str) -> None:
    """Given a version that is safe or a regression, When "Why?" beside it and then the offer are clicked, Then picture,
    list and reasons are shown, for the regression with the reason of its other answers."""
    data = foreign.examples(tmp_path / "pictures.npz", 0, 400, labels=True)
    shop = Fettle(tmp_path / "home" / "data")
    file = foreign.openvino_ir(tmp_path / "made.xml")
    if kind == "regressed":
        file = foreign.with_last_weights(tmp_path / "made.onnx", lambda weights: weights[::-1].copy())
    done = shop("prove", sample_paths().model, file, "--data", data, "--json")
    assert done.code in (0, 4), done.err
    (row,) = shop("jobs", "--json").document["runs"]
    program = start(project=row["project_id"])
    program.open_compare()
    program.until_text("Look closer")
    program.clicks = 0
    click_why(program, 1)
    program.until_page("changes", "full")
    program.press("Show what changed")
    view = program.until(lambda view: "the worst first" in view.texts, 180, "the list of operators")
    assert program.clicks == 2
    assert view.find("Both models as one graph") is not None
    assert ("another answer." not in view.texts) and "Back to Compare" in view.texts
    program.check_clean()
