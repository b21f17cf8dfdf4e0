"""A run that its time ended goes on by its id, with what it was begun with."""

from pathlib import Path

import command_models as small
from fettle_command import Fettle

from app.cli.optimize import over_budget
from app.domain.outcome import Ending


def test_run_that_takes_longer_than_its_budget_says_why() -> None:
    """Given a second in which the model is only opened, Then that is said, and of no run that had time for more."""
    assert len(over_budget(1.0, 3.6, Ending.NOTHING_TRIED)) == 1
    assert over_budget(1.0, 1.2, Ending.NOTHING_TRIED) == ()
    assert over_budget(None, 90.0, Ending.NOTHING_TRIED) == ()
    assert over_budget(60.0, 62.0, Ending.PROVEN) == ()


def test_the_same_run_goes_on(tmp_path: Path) -> None:
    """Given a run whose second was too short for anything, When it is given one more, Then it is the same run, which
    says so; without a time, or with options of another run, that is told as wrong usage."""
    fettle = Fettle(tmp_path / "home")
    model = small.picture_model(tmp_path / "m.onnx")
    first = fettle("optimize", model, "--time-budget", "1", "--json")
    assert first.code == 4, first.err
    assert first.document["outcome"]["ending"] == "nothing_tried" and first.document["outcome"]["can_go_on"]
    run_id = first.document["run_id"]
    again = fettle("optimize", "--resume", run_id, "--time-budget", "1", "--json")
    assert again.code in (0, 4), again.err
    assert (again.document["run_id"], again.document["outcome"]["went_on_s"]) == (run_id, [1.0])
    assert fettle("optimize", "--resume", run_id).code == 2
    assert fettle("optimize", model, "--resume", run_id, "--time-budget", "1").code == 2
    assert fettle("optimize", "--resume", "unknown", "--time-budget", "1").code == 3
