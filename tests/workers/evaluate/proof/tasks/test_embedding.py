"""Vectors to search with: what all have in common proves nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workers.evaluate.judge import judge

Make = Callable[..., Any]
N = 520


def vectors(n: int = N, size: int = 32, mean: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((40, size))
    values = centers[rng.integers(0, 40, n)] + 0.7 * rng.standard_normal((n, size))
    return (values + mean).astype(np.float32)


def noisy(values: np.ndarray, share: float) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (values + share * values.std(axis=0) * rng.standard_normal(values.shape)).astype(np.float32)


@pytest.mark.parametrize("factor", [1.0, 0.5, 3.0])
def test_the_length_of_a_vector_means_nothing(judged: Make, factor: float) -> None:
    """Given vectors of another length, Then nothing changed: a search looks at directions."""
    old = vectors()
    found = judged(old, old * np.float32(factor), "embedding")
    assert (found.verdict, found.task, found.changed_count) == ("safe", "embedding", 0)


def test_rounding_is_safe(judged: Make) -> None:
    """Given what BF16 keeps of each number, Then it is safe."""
    old = vectors(mean=1.0)
    bf16 = (old.view(np.uint32) & 0xFFFF0000).view(np.float32)
    assert judged(old, bf16, "embedding").verdict == "safe"


@pytest.mark.parametrize("mean", [0.0, 20.0])
def test_what_each_says_is_lost_under_a_common_mean(judged: Make, mean: float) -> None:
    """Given vectors that are shuffled among the items, or strong noise, Then it regressed, however large the mean is
    that all have in common (cosine .999)."""
    old = vectors(mean=mean)
    assert judged(old, np.roll(old, 1, axis=0), "embedding").verdict == "regressed"
    assert judged(old, noisy(old, 0.5), "embedding").verdict == "regressed"


def test_without_calibration_items_a_quarter_is_searched_in(judged: Make) -> None:
    """Given 520 items and nothing to search in, Then a quarter of them is the gallery and 390 are judged,
    which is told."""
    old = vectors()
    found = judged(old, old, "embedding")
    assert found.n == 390
    assert "130 of the 520 examples were searched in, so that the other 390 could be judged." in found.notes


def test_all_are_judged_where_calibration_items_are_searched_in(labelled: Make, answers_of: Make) -> None:
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


def test_noise_on_a_part_is_counted(judged: Make) -> None:
    """Given 5 % of the vectors replaced, Then about so many changed and it regressed at a limit of 1 %."""
    old = vectors()
    new = old.copy()
    new[-20:] = -old[-20:]
    found = judged(old, new, "embedding")
    assert found.verdict == "regressed" and 20 <= found.changed_count <= 40
