"""Pictures as results: what hides no change."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

Make = Callable[..., Any]
N = 70


@pytest.mark.parametrize("kind", ["a bright picture", "a hot pixel"])
def test_one_picture_of_another_range_hides_no_change(judged: Make, kind: str) -> None:
    """Given one picture, or one pixel of it, a hundred times as bright, and the others with clear noise, Then it
    regressed; faint noise is safe."""
    rng = np.random.default_rng(8)
    old = np.cumsum(rng.uniform(0, 1 / 24, (N, 3, 24, 24)), axis=3).astype(np.float32)
    old[7, :, : 24 if kind == "a bright picture" else 1] *= 100
    for size, verdict in ((0.08, "regressed"), (0.002, "safe")):
        new = old + size * rng.standard_normal(old.shape).astype(np.float32)
        new[7] = old[7]
        assert judged(old, new, "picture", limit_pct=5.0).verdict == verdict


@pytest.mark.parametrize("hot", [-100.0, 100.0])
def test_hot_pixels_in_all_pictures_hide_no_change(judged: Make, hot: float) -> None:
    """Given a pixel in each picture that is far outside of all others, and clear noise, Then it regressed; faint noise is
    safe."""
    rng = np.random.default_rng(9)
    old = np.cumsum(rng.uniform(0, 1 / 24, (N, 3, 24, 24)), axis=3).astype(np.float32)
    for size, verdict in ((0.08, "regressed"), (0.002, "safe")):
        new = old + size * rng.standard_normal(old.shape).astype(np.float32)
        old[:, :, 5, 7] = new[:, :, 5, 7] = hot
        assert judged(old, new, "picture", limit_pct=5.0).verdict == verdict


@pytest.mark.parametrize("hot", [-100.0, 100.0])
@pytest.mark.parametrize("places", [4, 8, 24])
def test_a_hot_row_in_all_pictures_hides_no_change(judged: Make, hot: float, places: int) -> None:
    """Given the same four pixels to a whole row in each picture far outside of all others, and clear noise, Then it
    regressed; faint noise is safe."""
    rng = np.random.default_rng(9)
    old = np.cumsum(rng.uniform(0, 1 / 24, (N, 3, 24, 24)), axis=3).astype(np.float32)
    for size, verdict in ((0.08, "regressed"), (0.002, "safe")):
        new = old + size * rng.standard_normal(old.shape).astype(np.float32)
        old[:, :, 5, :places] = new[:, :, 5, :places] = hot * rng.uniform(0.9, 1, (N, 3, places))
        assert judged(old, new, "picture", limit_pct=5.0).verdict == verdict


def test_letters_on_paper_are_not_hot(judged: Make) -> None:
    """Given pages on which a few pixels, elsewhere on each, are dark, Then noise that is faint beside them is safe."""
    rng = np.random.default_rng(10)
    paper = 1 + 0.003 * rng.standard_normal((N, 1, 32, 32))
    old = np.where(rng.random(paper.shape) < 0.03, rng.uniform(0, 0.4, paper.shape), paper).astype(np.float32)
    new = old + 0.004 * rng.standard_normal(old.shape).astype(np.float32)
    assert judged(old, new, "picture", limit_pct=5.0).verdict == "safe"
