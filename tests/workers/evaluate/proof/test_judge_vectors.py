"""The verdict rules for embeddings, tensors and scores over sequences."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workers.evaluate.judge import judge
from workers.evaluate.proof.judge_scores import auc
from workers.evaluate.proof.similarity import cosine, likeness

Make = Callable[..., Any]
RNG = np.random.default_rng


def vectors(n: int, size: int = 64) -> np.ndarray:
    return RNG(0).standard_normal((n, size)).astype(np.float32)


def turned(values: np.ndarray, cosine_wanted: float) -> np.ndarray:
    """Other vectors of the same lengths at this cosine to the given ones."""
    other = RNG(1).standard_normal(values.shape)
    other -= (other * values).sum(1, keepdims=True) / (values * values).sum(1, keepdims=True) * values
    other *= np.linalg.norm(values, axis=1, keepdims=True) / np.linalg.norm(other, axis=1, keepdims=True)
    return (cosine_wanted * values + np.sqrt(1 - cosine_wanted**2) * other).astype(np.float32)


@pytest.mark.parametrize(
    ("at", "verdict"), [(0.99999, "safe"), (0.9985, "not_enough_data"), (0.995, "not_enough_data"), (0.98, "regressed")]
)
def test_cosine_rule(labelled: Make, answers_of: Make, at: float, verdict: str) -> None:
    """Given embeddings at one cosine, then .999 and .99 decide."""
    old = vectors(50)
    judgement = judge(
        labelled([None] * 50), answers_of(old, "embedding"), answers_of(turned(old, at), "embedding"), 1.0
    )
    assert judgement.verdict == verdict
    assert judgement.agreement == pytest.approx(at, abs=1e-5) and judgement.flips is None


@pytest.mark.parametrize(("at", "verdict"), [(1.0, "not_enough_data"), (0.9999, "not_enough_data"), (0.9, "regressed")])
def test_boxes_are_never_safe_by_cosine(labelled: Make, answers_of: Make, at: float, verdict: str) -> None:
    """Given a detector's answers at any cosine, Then the best verdict is Not enough data, and why is typed."""
    old = vectors(400)
    new = turned(old, at)
    judgement = judge(labelled([None] * 400), answers_of(old, "detection"), answers_of(new, "detection"), 5.0)
    assert (judgement.verdict, judgement.unproven, judgement.missing_examples) == (verdict, "detection", None)
    assert judge(labelled([None] * 400), answers_of(old, "tensor"), answers_of(old, "tensor"), 5.0).unproven is None


def test_one_bad_answer_is_not_safe(labelled: Make, answers_of: Make) -> None:
    """Given 499 equal answers and one at .95, then the mean is fine and the smallest is not."""
    old = vectors(500)
    new = old.copy()
    new[7] = turned(old, 0.95)[7]
    judgement = judge(labelled([None] * 500), answers_of(old, "embedding"), answers_of(new, "embedding"), 1.0)
    assert judgement.verdict == "not_enough_data" and judgement.missing_examples is None
    assert judgement.agreement_min == pytest.approx(0.95, abs=1e-4)
    assert judgement.changed == (7,)


def test_few_items_prove_nothing(labelled: Make, answers_of: Make) -> None:
    """Given 3 equal answers, then more are asked for."""
    old = vectors(3)
    judgement = judge(labelled([None] * 3), answers_of(old, "embedding"), answers_of(old, "embedding"), 1.0)
    assert judgement.verdict == "not_enough_data"
    assert judgement.missing_examples is None or judgement.missing_examples >= 7
    assert judgement.missing_examples == 8


def test_halved_tensors_are_seen_and_halved_embeddings_are_the_same(labelled: Make, answers_of: Make) -> None:
    """Given all values halved, then a tensor regressed (its cosine is 1) and an embedding did not."""
    old = vectors(40)
    as_tensor = judge(labelled([None] * 40), answers_of(old, "tensor"), answers_of(old / 2, "tensor"), 1.0)
    as_embedding = judge(labelled([None] * 40), answers_of(old, "embedding"), answers_of(old / 2, "embedding"), 1.0)
    assert as_tensor.verdict == "regressed"
    assert as_embedding.verdict == "safe"


def test_the_worst_output_counts(labelled: Make, answers_of: Make) -> None:
    """Given an equal answer and another output that changed, then that output decides and is named."""
    old = vectors(40)
    before = answers_of(old, "tensor", boxes=list(old))
    after = answers_of(old, "tensor", boxes=list(turned(old, 0.9)))
    judgement = judge(labelled([None] * 40), before, after, 1.0)
    assert judgement.verdict == "regressed"
    assert any("“boxes”" in note for note in judgement.notes)


def test_single_numbers_are_measured_against_their_spread(labelled: Make, answers_of: Make) -> None:
    """Given one number an item, then a shift of a thousandth of the spread is safe and half of it is not."""
    old = RNG(0).normal(100, 10, (60, 1)).astype(np.float32)
    near = judge(labelled([None] * 60), answers_of(old, "tensor"), answers_of(old + 0.01, "tensor"), 1.0)
    far = judge(labelled([None] * 60), answers_of(old, "tensor"), answers_of(old + 5, "tensor"), 1.0)
    assert near.verdict == "safe" and far.verdict == "regressed"


def test_other_shapes_and_nan_are_not_alike(labelled: Make, answers_of: Make) -> None:
    """Given answers of other sizes or no numbers, then they count as different, in words."""
    old = vectors(30)
    shorter = answers_of([row[:10] for row in old], "tensor")
    assert judge(labelled([None] * 30), answers_of(old, "tensor"), shorter, 1.0).verdict == "regressed"
    broken = old.copy()
    broken[:20] = np.nan
    judgement = judge(labelled([None] * 30), answers_of(old, "tensor"), answers_of(broken, "tensor"), 1.0)
    assert judgement.verdict == "regressed" and "NaN" in judgement.notes[0]


def test_made_inputs_ask_for_ten_examples(labelled: Make, answers_of: Make) -> None:
    """Given made inputs and equal embeddings, then it is not proven and about ten examples are asked for."""
    old = vectors(40)
    answers = answers_of(old, "embedding")
    judgement = judge(labelled([None] * 40, origin="made"), answers, answers, 1.0)
    assert judgement.verdict == "not_enough_data" and judgement.missing_examples == 10


def test_likeness_by_hand() -> None:
    """Given zero vectors and known errors, then likeness is what the formulas say."""
    zero, one = np.zeros(3, np.float32), np.ones(3, np.float32)
    assert cosine(zero, zero) == 1.0 and cosine(zero, one) == 0.0 and cosine(one, -one) == -1.0
    assert likeness(one, one * np.float32(1.1)) == pytest.approx(1 - 0.1**2 / 2, abs=1e-6)
    assert likeness(zero, zero) == 1.0


def sequences(n: int = 40, steps: int = 100) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Scores that follow labels which change now and then."""
    rng = RNG(3)
    labels = [(np.cumsum(rng.random(steps) < 0.05) % 2).astype(np.int64) for _ in range(n)]
    scores = [np.clip(0.1 + 0.8 * row + rng.normal(0, 0.05, steps), 0, 1) for row in labels]
    return labels, [score.astype(np.float32) for score in scores]


def test_scores_of_sequences(labelled: Make, answers_of: Make) -> None:
    """Given equal scores, then safe with accuracy and ROC; given drift within sequences, then regressed."""
    labels, scores = sequences()
    data = replace(labelled([None] * 40), steps=tuple(labels))
    old = answers_of(scores, "score", stateful=True)
    same = judge(data, old, old, 1.0)
    assert same.verdict == "safe" and same.labelled and same.accuracy == same.original_accuracy == 1.0
    assert any("ROC" in note for note in same.notes)
    drifting = [score - np.linspace(0, 0.24, len(score), dtype=np.float32) for score in scores]
    drifted = judge(data, old, answers_of(drifting, "score", stateful=True), 1.0)
    assert drifted.verdict == "regressed"
    assert any("drift" in note for note in drifted.notes)


def test_scores_without_labels_and_small_moves(labelled: Make, answers_of: Make) -> None:
    """Given one score that moves by .07, then it is not proven; by .01, then it is safe."""
    _, scores = sequences()
    data = labelled([None] * 40)
    results = []
    for move in (0.07, 0.01):
        new = [score.copy() for score in scores]
        new[5][50] += move
        old = answers_of(scores, "score", stateful=True)
        results.append(judge(data, old, answers_of(new, "score", stateful=True), 1.0).verdict)
    assert results == ["not_enough_data", "safe"]


def test_area_under_the_curve() -> None:
    """Given scores with ties, then it is the share of pairs in the right order, ties at half."""
    scores, truth = np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True])
    assert auc(scores, truth) == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert auc(scores, np.zeros(4, bool)) is None
