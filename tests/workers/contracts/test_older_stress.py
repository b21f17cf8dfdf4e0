"""Read findings under stress from before rule 2, which claim nothing that they did not prove."""

import json
from typing import Any

from workers.contracts.after.stress import OLDER_RULE, StressResult

CELL = {"severity": 1, "level": "1", "n": 48, "original": 0.9, "optimized": 0.9}
KEPT: dict[str, Any] = {
    "measure": "accuracy", "full": False, "n_items": 48, "n_answered": 48, "seconds": 50.0, "stopped_early": False,
    "headline": "Under stress both answer equally well, on 48 examples.", "clean": {**CELL, "verdict": "even"},
    "rows": [{"id": "jpeg", "title": "Strong compression", "group": "corruption", "source": "x", "cells": [CELL],
              "verdict": "even", "words": "Strongly compressed both answer equally well."}],
    "unfamiliar": [{"id": "noise", "title": "Noise", "n": 40, "original": 0.1, "optimized": 0.2, "words": "Noise."}],
    "attacks": [{"id": "square", "title": "Square attack", "source": "s", "eps": 0.03, "queries": 100, "n": 20,
                 "original_fooled": 3, "optimized_fooled": 4, "p": 0.5, "words": "Some survived."}],
    "poison": [{"check": "none", "level": "info", "what": "No sign."}],
}  # fmt: skip


def test_stress_result_of_rule_1_is_unclear() -> None:
    """Given findings by rule 1, When they are read, Then no verdict is "even", and the notes give the next step."""
    found = StressResult.model_validate_json(json.dumps(KEPT))
    assert (found.rule, found.headline, found.notes[0]) == (1, OLDER_RULE, OLDER_RULE)
    assert {found.clean.verdict, found.rows[0].verdict, found.rows[0].cells[0].verdict} == {"unclear"}
    assert found.rows[0].words == OLDER_RULE and found.unfamiliar[0].auroc_low is None and found.triggers is None
    assert found.attacks[0].verdict == "unclear" and found.attacks[0].optimized_fooled == 4


def test_stress_result_of_rule_1_keeps_a_proven_loss() -> None:
    """Given a loss that was proven by rule 1, Then its words and headline stay."""
    row = {**KEPT["rows"][0], "verdict": "worse", "words": "It loses."}
    found = StressResult.model_validate({**KEPT, "rows": [row], "headline": "It loses."})
    assert (found.headline, found.rows[0].verdict, found.rows[0].words) == ("It loses.", "worse", "It loses.")
    again = StressResult.model_validate_json(found.model_dump_json())
    assert again == found


def test_stress_result_of_0_1_0_has_the_new_measure_name() -> None:
    """Given findings on vectors as 0.1.0 kept them, Then their measure is called as it is now."""
    assert StressResult.model_validate({**KEPT, "measure": "likeness"}).measure == "similarity"
