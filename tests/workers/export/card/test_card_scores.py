"""The task's own measures in the model card."""

from typing import Any

import card_facts
from card_facts import SPEC

from workers.contracts.bundles import CardFacts
from workers.contracts.specs import TaskScore
from workers.export.card.risks import risks
from workers.export.card.scores import how_well


def score(**more: Any) -> TaskScore:
    values = {
        "id": "mae",
        "task": "regression",
        "title": "Mean error",
        "meaning": "how far",
        "unit": "number",
        "n": 1200,
    }
    figures = {"against": "labels", "original": 44.13, "optimized": 44.3, "low": -0.1, "high": 0.52}
    return TaskScore(**{**values, **figures, **more})


def facts(**more: Any) -> CardFacts:
    return card_facts.facts(**{"scores": (score(),), **more})


def test_scores_are_lines() -> None:
    """Given scores by labels and by the original's answers, then each is a line with its interval."""
    same = score(title="Same", meaning="", unit="share", against="original", original=None, optimized=0.99, low=None)
    text = how_well(facts(scores=(score(), same)))
    assert (
        "- Mean error (how far): 44.13 before, 44.3 now (1,200 examples; the change lies between -0.1 and 0.52 with"
        in text
    )
    assert "- Same: 99.00 % (1,200 examples)" in text
    assert "answers were taken for the truth" in text


def test_the_weakest_part_is_named_and_escaped() -> None:
    """Given a part whose name holds Markdown, then it is reported without its power; a loss of nothing is not reported."""
    worst = {"worst_slice": "camera: *x*", "worst_slice_drop": 0.031}
    text = how_well(facts(**worst))
    assert "“camera: \\*x\\*” lost most: 3.10 %" in text and "taken for the truth" not in text
    assert "lost most" not in how_well(facts(worst_slice="a", worst_slice_drop=0.0))
    assert how_well(facts(scores=())) == ""


def test_the_weakest_part_has_its_count() -> None:
    """Given a part of a single example that is lost, Then the card shows its number of examples, here and among
    the risks."""
    worst = {"worst_slice": "bullet train", "worst_slice_drop": 1.0, "worst_slice_n": 1}
    report = card_facts.facts(**worst)
    assert "“bullet train” lost most: 100 % of 1 example." in how_well(facts(**worst))
    assert "“bullet train” lost 100 % of 1 example." in risks(report, SPEC)


def test_a_part_that_cannot_be_judged_is_no_risk() -> None:
    """Given a part of one example, too few to judge it, Then no risk is claimed of it."""
    report = card_facts.facts(
        worst_slice="bullet train", worst_slice_drop=1.0, worst_slice_n=1, worst_slice_judged=False
    )
    assert "bullet train" not in risks(report, SPEC)
