"""Verdicts even, worse and unclear by bounds: on few and many examples, all right and all wrong."""

import numpy as np
import pytest

from workers.contracts.after.stress import MARGIN, StressVerdict
from workers.evaluate.proof.stats import holm
from workers.evaluate.stress.paired import LEVEL, about, compare, held, needed


def pairs(both: int, lost: int, gained: int, neither: int = 0) -> np.ndarray:
    """Return scores of so many examples that both, only the original, only the optimized version, or none predicts."""
    return np.repeat([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [both, lost, gained, neither], axis=0)


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((1, 0, 0), "unclear"), ((0, 1, 0), "unclear"), ((10, 0, 0), "unclear"), ((148, 0, 0), "unclear"),
        ((149, 0, 0), "even"), ((0, 0, 0, 149), "unclear"), ((0, 0, 149), "unclear"), ((0, 149, 0), "worse"),
        ((990, 5, 5), "even"), ((800, 100, 100), "unclear"), ((950, 50, 0), "worse"), ((965, 25, 10), "unclear"),
        ((1_000_000, 0, 0), "even"), ((970_000, 30_000, 0), "worse"), ((981_000, 19_000, 0), "even"),
    ],
)  # fmt: skip
def test_verdicts_follow_from_bounds(counts: tuple[int, ...], verdict: StressVerdict) -> None:
    """Given counts of pairs, then equality needs a bound within two points and a loss a bound above them; without a right
    prediction of the original nothing is proven."""
    cell = compare(pairs(*counts))
    assert held(cell, cell.p).verdict == verdict, cell
    assert (cell.needed is None) == (cell.upper <= MARGIN)


def test_sequences_count_as_one_example_each() -> None:
    """Given twelve recordings without any difference, then nothing is proven; given large losses in fifteen, then the
    verdict is worse."""
    alike = np.tile([[0.93, 0.93]], (12, 1))
    assert compare(alike).upper > 0.2 and compare(alike).needed
    rng = np.random.default_rng(0)
    worse = np.stack([np.full(15, 0.9), rng.uniform(0.3, 0.6, 15)], axis=1)
    cell = compare(worse)
    assert held(cell, cell.p).verdict == "worse" and cell.drop > 0.3


@pytest.mark.whole
@pytest.mark.parametrize("n", [150, 600])
def test_false_verdicts_are_rare_at_the_margin(n: int) -> None:
    """Given versions that truly lose two points, then at most 5 % are even; given harmless versions, then none is worse."""
    rng = np.random.default_rng(n)
    even, blamed = 0, 0
    for _ in range(400):
        lost, gained = rng.multinomial(n, [0.03, 0.01, 0.96])[:2]
        cell = compare(pairs(n - lost - gained, int(lost), int(gained)))
        even += cell.upper <= MARGIN
        lost, gained = rng.multinomial(n, [0.01, 0.01, 0.98])[:2]
        harmless = compare(pairs(n - lost - gained, int(lost), int(gained)))
        blamed += min(holm([harmless.p] * 20)) <= LEVEL
    assert even <= 0.05 * 400 + 8 and blamed == 0


def test_needed_examples_prove_equality() -> None:
    """Given ten examples without a difference, then the number of needed ones proves that there is none."""
    more = needed(0, 0, 10)
    assert more is not None and compare(pairs(10 + more, 0, 0)).upper <= MARGIN
    assert about(104) == "110" and about(1_234) == "1,300" and about(7) == "7"
