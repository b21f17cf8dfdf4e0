""" "Under stress" in the real window, by a real mouse: from Compare to the table, on the built-in sample."""

from pathlib import Path

import pytest
from finished_run import finished_folder
from rig import Start


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_version_of_the_sample_is_put_under_stress_by_clicks(start: Start, tmp_path: Path) -> None:
    """Given a finished run of the sample, When "Under stress" and then the quick test are pressed, Then the table comes
    with both versions at each severity, and it is still there after the window was closed and opened again."""
    finished_folder(tmp_path / "home")
    program = start(project="p1")
    program.look_closer("Under stress")
    program.until_page("stress", "full")
    program.until_text("Harder inputs", "Out of distribution", "Attacks", "Triggers", "Calibration examples")
    program.press("Start the quick test (about 1 minute)")
    program.until_text("Running both versions on changed pictures", limit_s=60)
    view = program.until_text("Unchanged", "Severity 1", "Cannot tell", "Test again", limit_s=180)
    assert "Nothing is proven to hurt the optimized model more" in view.texts or "as good as the original" in view.texts
    assert any(item.name.startswith("Noise, 1: original ") for item in view.items)
    program.press("Back to Compare")
    program.until_page("compare", "full")
    program.keys("ctrl+q")
    assert program.process.wait(60) == 0

    program = start()
    program.look_closer("Under stress")
    program.until_text("Unchanged", "Severity 1", "Test again")
    assert program.errors.read_text(encoding="utf-8") == ""
