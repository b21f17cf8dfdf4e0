"""Embeddings: the gallery of the search, and changed vectors."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from workers.evaluate.judge import judge

Make = Callable[..., Any]
N = 520


def vectors(n: int = N, size: int = 32) -> np.ndarray:
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((40, size))
    values = centers[rng.integers(0, 40, n)] + 0.7 * rng.standard_normal((n, size))
    return values.astype(np.float32)


def test_gallery_without_calibration_items_is_a_quarter(judged: Make) -> None:
    """Given 520 items and nothing to search in, Then a quarter of them is the gallery and 390 are judged,
    which a note reports."""
    old = vectors()
    found = judged(old, old, "embedding")
    assert found.n == 390
    assert "130 of the 520 examples were searched in, so that the other 390 could be judged." in found.notes


def test_gallery_of_calibration_items_leaves_all_items_judged(labelled: Make, answers_of: Make) -> None:
    """Given calibration items to search in, Then every test item is judged; a gallery that is lost changes each."""
    everything = vectors(N + 100)
    old = replace(answers_of(everything[:N], "embedding"), gallery=list(everything[N:]))
    data = labelled([None] * N)
    whole = judge(data, old, old, 1.0)
    assert whole.n == N and not any("searched in" in note for note in whole.notes)
    other = replace(old, gallery=list(-everything[N:]))
    assert judge(data, old, other, 1.0).changed_count > 0.9 * N
    few = replace(old, gallery=old.gallery[:10])
    assert judge(data, old, few, 1.0).n == 390


def test_replaced_vectors_are_counted(judged: Make) -> None:
    """Given 5 % of the vectors replaced, Then about so many changed and it regressed at a limit of 1 %."""
    old = vectors()
    new = old.copy()
    new[-20:] = -old[-20:]
    found = judged(old, new, "embedding")
    assert found.verdict == "regressed" and 20 <= found.changed_count <= 40


def test_vectors_that_are_zero_in_both_are_the_same(judged: Make) -> None:
    """Given every twentieth vector zero, Then the same version is safe; one that lost further vectors regressed."""
    old = vectors()
    old[::20] = 0
    assert (judged(old, old, "embedding").verdict, judged(old, old, "embedding").changed_count) == ("safe", 0)
    lost = old.copy()
    lost[1::20] = 0
    assert judged(old, lost, "embedding").verdict == "regressed"
