"""Read verdicts from before rule 2."""

import json
from typing import Any

import pytest

from workers.contracts.specs import OLDER_RULE, Judgement

KEPT: dict[str, Any] = {
    "verdict": "safe", "n": 400, "labelled": False, "margin": 0.01, "agreement": 0.9997, "agreement_min": 0.99,
    "drop": 0.0003,
}  # fmt: skip


def test_judgement_of_rule_1_by_cosine_is_not_safe() -> None:
    """Given a verdict that compared whole outputs, When it is read, Then it is not safe, has no figure, and a note
    gives the reason."""
    found = Judgement.model_validate_json(json.dumps(KEPT))
    assert (found.verdict, found.n, found.agreement, found.rule) == ("not_enough_data", 0, None, 1)
    assert found.notes[0] == OLDER_RULE


@pytest.mark.parametrize("changes", [{"flips": 0.0}, {"verdict": "regressed"}])
def test_judgement_of_rule_1_on_classes_or_losses_stays(changes: dict[str, Any]) -> None:
    """Given a verdict on classes, or a proven loss, Then it stands as it was kept."""
    found = Judgement.model_validate_json(json.dumps({**KEPT, **changes}))
    assert found.verdict == {**KEPT, **changes}["verdict"] and found.n == 400 and found.notes == ()


def test_judgement_of_rule_2_is_read_unchanged() -> None:
    """Given a verdict of rule 2, Then nothing about it changes."""
    made = Judgement(verdict="safe", task="numbers", n=400, labelled=False, margin=0.01, flips=0.0, level=0.04)
    assert Judgement.model_validate_json(made.model_dump_json()) == made
