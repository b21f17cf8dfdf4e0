""" "Compare this file with the original" in the real window, by a real drag and a real mouse."""

from pathlib import Path

import foreign_models as foreign
import pytest
from fettle_command import Fettle
from rig import Start

from presets.sample import sample_paths

SAME = ("agreement", "verdict", "accuracy", "flips", "precision", "size_bytes", "size_ratio", "runtime", "artifact")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_dropped_file_has_the_figures_of_the_command(start: Start, tmp_path: Path) -> None:
    """Given a result in the window, When an INT8 file of another tool is dropped and shall be next to the original,
    Then it is a row of the table with the figures that `fettle prove` prints for it on the same examples."""
    data = foreign.examples(tmp_path / "pictures.npz", 0, 120, labels=True)
    shop = Fettle(tmp_path / "home" / "data")
    first = shop("prove", sample_paths().model, foreign.openvino_ir(tmp_path / "first.xml"), "--data", data, "--json")
    assert first.code in (0, 4), first.err
    (row,) = shop("jobs", "--json").document["runs"]
    int8 = foreign.static_int8(tmp_path / "int8 of mine.onnx")

    program = start(project=row["project_id"])
    program.open_compare()
    program.until_text("Judge another file…", "first (made elsewhere)")
    program.drop(int8)
    program.press("Compare this file with the original")
    program.until_text("int8 of mine (made elsewhere)", "It was made elsewhere, and is judged as it came.", limit_s=180)
    program.close_window()
    assert program.process.wait(60) == 0
    assert program.errors.read_text(encoding="utf-8") == ""

    seen = shop("compare", row["run_id"], "--json").document["variants"]
    made = next(variant for variant in seen if variant["title"] == "int8 of mine (made elsewhere)")
    report = Fettle(tmp_path / "other home")("prove", sample_paths().model, int8, "--data", data, "--json")
    assert report.code in (0, 4), report.err
    optimized = report.document["optimized"]
    assert {name: made[name] for name in SAME} == {name: optimized[name] for name in SAME}
