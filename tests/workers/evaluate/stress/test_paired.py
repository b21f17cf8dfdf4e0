"""As good as the original, worse, or nobody can tell: by bounds, on few, many, all right and all wrong."""

import numpy as np
import pytest

from workers.contracts.after.stress import MARGIN, StressVerdict
from workers.evaluate.proof.stats import holm
from workers.evaluate.stress.paired import LEVEL, about, compare, held, needed


def pairs(both: int, lost: int, gained: int, neither: int = 0) -> np.ndarray:
    """Right by both, by the original only, by the optimized only, by none."""
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
    """Given counts of pairs, Then equality needs a bound within two points, and a loss a bound above them; where the
    original gets nothing right there is nothing to lose, and that proves nothing."""
    found = compare(pairs(*counts))
    assert held(found, found.p).verdict == verdict, found
    assert (found.needed is None) == (found.upper <= MARGIN)


def test_shares_of_sequences_prove_no_more_than_their_number() -> None:
    """Given twelve recordings without any difference, Then twelve examples prove nothing; given large losses in fifteen,
    Then it is worse."""
    alike = np.tile([[0.93, 0.93]], (12, 1))
    assert compare(alike).upper > 0.2 and compare(alike).needed
    rng = np.random.default_rng(0)
    worse = np.stack([np.full(15, 0.9), rng.uniform(0.3, 0.6, 15)], axis=1)
    found = compare(worse)
    assert held(found, found.p).verdict == "worse" and found.drop > 0.3


@pytest.mark.whole
@pytest.mark.parametrize("n", [150, 600])
def test_at_the_margin_as_good_is_said_in_five_of_a_hundred(n: int) -> None:
    """Given versions that lose two points in truth, Then at most 5 % are called as good, and none of the harmless worse."""
    rng = np.random.default_rng(n)
    said, blamed = 0, 0
    for _ in range(400):
        lost, gained = rng.multinomial(n, [0.03, 0.01, 0.96])[:2]
        found = compare(pairs(n - lost - gained, int(lost), int(gained)))
        said += found.upper <= MARGIN
        lost, gained = rng.multinomial(n, [0.01, 0.01, 0.98])[:2]
        harmless = compare(pairs(n - lost - gained, int(lost), int(gained)))
        blamed += min(holm([harmless.p] * 20)) <= LEVEL
    assert said <= 0.05 * 400 + 8 and blamed == 0


def test_what_would_help_is_a_number_that_helps() -> None:
    """Given ten examples without a difference, Then the number that is named is what proves it."""
    more = needed(0, 0, 10)
    assert more is not None and compare(pairs(10 + more, 0, 0)).upper <= MARGIN
    assert about(104) == "110" and about(1_234) == "1,300" and about(7) == "7"
