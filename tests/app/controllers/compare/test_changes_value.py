"""Tests of the list of changed answers and the reasons above it."""

from typing import Any

import pytest

from app.controllers.compare.examples import changes_value
from workers.contracts.specs import Judgement

WHY = "Answers begin with another word: 97.5 %, where 10 % are allowed."


def judged(**more: Any) -> Judgement:
    return Judgement(**{"verdict": "regressed", "n": 98, "labelled": False, "margin": 0.01, **more})


def test_changes_show_reasons_without_other_notes() -> None:
    """Given a verdict with two notes, one of which is its reason, then only the reason is shown, and Fettle's own
    dialogues count."""
    notes = ("Of 2,772 next words 0 are others.", WHY)
    value = changes_value((), judged(notes=notes, reasons=(WHY,), beside_changed=(98, 101)))
    assert (value.reasons, value.total) == (WHY, 2)


@pytest.mark.parametrize(("verdict", "reasons"), [("regressed", WHY), ("safe", ""), ("not_enough_data", "")])
def test_older_regression_without_changes_shows_its_notes(verdict: str, reasons: str) -> None:
    """Given an older verdict without reasons, then a regression without any change is explained by its notes."""
    assert changes_value((), judged(verdict=verdict, notes=(WHY,))).reasons == reasons
    assert changes_value((), judged(verdict=verdict, notes=(WHY,), changed=(3,), changed_count=1)).reasons == ""
