"""One score per time step, over whole sequences, with and without labels."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workers.evaluate.judge import judge
from workers.evaluate.proof.tasks.moments import auc

Make = Callable[..., Any]
N = 330


def sequences(n: int = N, steps: int = 60) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Scores that follow labels which change now and then."""
    rng = np.random.default_rng(3)
    labels = [(np.cumsum(rng.random(steps) < 0.05) % 2).astype(np.int64) for _ in range(n)]
    scores = [np.clip(0.1 + 0.8 * row + rng.normal(0, 0.05, steps), 0, 1) for row in labels]
    return labels, [score.astype(np.float32) for score in scores]


def test_scores_and_labels_of_moments_must_hold(labelled: Make, answers_of: Make) -> None:
    """Given equal scores, Then safe with a note on ROC; given drift that labels do not show, Then regressed."""
    labels, scores = sequences()
    data = replace(labelled([None] * N), steps=tuple(labels))
    old = answers_of(scores, "score", stateful=True)
    same = judge(data, old, old, 1.0)
    assert same.verdict == "safe" and same.labelled and same.task == "moments"
    assert any("ROC" in note for note in same.notes)
    drifting = [score - np.linspace(0, 0.24, len(score), dtype=np.float32) for score in scores]
    drifted = judge(data, old, answers_of(drifting, "score", stateful=True), 1.0)
    assert drifted.verdict == "regressed"
    assert any("drift" in note for note in drifted.notes)


@pytest.mark.parametrize(("move", "changed"), [(0.07, 0), (0.15, 1)])
def test_moved_moment_changes_its_sequence(judged: Make, move: float, changed: int) -> None:
    """Given one score of one sequence that moves, Then above .1 that sequence changed."""
    _, scores = sequences()
    new = [score.copy() for score in scores]
    new[5][50] += np.float32(move)
    assert judged(scores, new, "score", stateful=True).changed_count == changed


def test_area_under_the_curve() -> None:
    """Given scores with ties, Then it is the share of pairs in the right order, ties at half."""
    scores, truth = np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True])
    assert auc(scores, truth) == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert auc(scores, np.zeros(4, bool)) is None
