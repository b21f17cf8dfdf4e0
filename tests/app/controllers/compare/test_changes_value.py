"""What stands above and in the list of changed answers."""

from typing import Any

import pytest

from app.controllers.compare.examples import changes_value
from workers.contracts.specs import Judgement

WHY = "Answers begin with another word: 97.5 %, where 10 % are allowed."


def judged(**more: Any) -> Judgement:
    return Judgement(**{"verdict": "regressed", "n": 98, "labelled": False, "margin": 0.01, **more})


def test_reasons_alone_are_told() -> None:
    """Given a verdict with notes of which one is its reason, Then only that one stands above the list, and dialogues
    of Fettle's own are counted in it."""
    notes = ("Of 2,772 next words 0 are others.", WHY)
    value = changes_value((), judged(notes=notes, reasons=(WHY,), beside_changed=(98, 101)))
    assert (value.reasons, value.total) == (WHY, 2)


@pytest.mark.parametrize(("verdict", "told"), [("regressed", WHY), ("safe", ""), ("not_enough_data", "")])
def test_an_older_regression_without_changes_tells_its_notes(verdict: str, told: str) -> None:
    """Given a verdict of before, which names no reasons, Then a regression without any change is explained still."""
    assert changes_value((), judged(verdict=verdict, notes=(WHY,))).reasons == told
    assert changes_value((), judged(verdict=verdict, notes=(WHY,), changed=(3,), changed_count=1)).reasons == ""
