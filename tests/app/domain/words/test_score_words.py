"""Scores and the weakest part in sentences."""

from typing import Any

import pytest

from app.domain.words.scores import score_sentence, score_sentences
from workers.contracts.specs import Judgement, SliceDrop, TaskScore


def score(**more: Any) -> TaskScore:
    values = {
        "id": "top1",
        "task": "classification",
        "title": "Right answers",
        "meaning": "",
        "against": "labels",
        "n": 200,
    }
    return TaskScore(**{**values, "original": 0.914, "optimized": 0.91, "low": -0.01, "high": 0.002, **more})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (score(), "Right answers: 91.0 %, the original 91.4 % (change −1.0 to +0.2 points)."),
        (score(low=None, high=None), "Right answers: 91.0 %, the original 91.4 %."),
        (score(low=-1e-5, high=1e-5), "Right answers: 91.0 %, the original 91.4 % (change 0.0 to 0.0 points)."),
        (
            score(against="original", original=None, optimized=0.98, low=0.97, high=0.99),
            "Right answers: 98.0 %, by the original’s answers (97.0 % to 99.0 %).",
        ),
        (
            score(title="Mean error", unit="number", original=44.1, optimized=44.3, low=-0.1, high=0.52),
            "Mean error: 44.3, the original 44.1 (change −0.1 to +0.52).",
        ),
        (
            score(title="Noise", unit="dB", against="original", original=None, optimized=52.3, low=50.0, high=54.0),
            "Noise: 52.3 dB, by the original’s answers (50.0 dB to 54.0 dB).",
        ),
    ],
)
def test_sentences(given: TaskScore, words: str) -> None:
    """Given a score by labels or by the original's answers, then its value, unit and interval are told."""
    assert score_sentence(given) == words


def judgement(**more: Any) -> Judgement:
    part = SliceDrop(name="dark pictures", n=40, drop=0.25, changed=12)
    values = {"verdict": "regressed", "n": 200, "labelled": True, "flips": 0.1, "margin": 0.01, "slices": (part,)}
    return Judgement(**{**values, "worst_slice": "dark pictures", "worst_slice_drop": 0.25, **more})


def test_the_weakest_part() -> None:
    """Given a part that lost most, then it is named with its loss; a loss of nothing is not told."""
    assert score_sentences(judgement()) == ("Lost most: dark pictures, 25.0 % fewer of its 40 are right.",)
    assert score_sentences(judgement(labelled=False)) == ("Changed most: dark pictures, 25.0 % of its 40 answers.",)
    assert score_sentences(judgement(worst_slice_drop=0.0)) == ()
    assert score_sentences(None) == ()


def test_at_most_four_scores() -> None:
    """Given many scores, then the first four are told."""
    assert len(score_sentences(judgement(scores=(score(),) * 6))) == 5
