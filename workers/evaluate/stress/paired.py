"""Test whether one version is as good as the other on the same examples, by a bound of the paired difference.

The test is one of non-inferiority, never a p-value above .05. "As good" requires that the exact one-sided 95 % bound of
the loss stays within the margin. "Worse" requires that the loss is surely above the margin. Otherwise the result is
unclear. A claim about many kinds at once requires that each kind holds (an intersection-union test, Berger 1982), so
these bounds need no correction. Holm's correction over all tests controls false alarms.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.stress import MARGIN, StressVerdict
from workers.evaluate.proof.bounds import Counts, loss_bound
from workers.evaluate.proof.needed import missing_items
from workers.evaluate.proof.stats import CONFIDENCE, binomial_upper, bootstrap_sums, drop_upper, mcnemar_p, more_than_p

LEVEL = 1 - CONFIDENCE

Pairs = NDArray[np.float64]
"""Scores (n, 2) of the original and of the optimized version for each example, 0..1."""


@dataclass(frozen=True)
class Difference:
    """The paired difference of n examples.

    Attributes:
        worse: Number of examples with a lower score.
        better: Number of examples with a higher score.
        drop: Mean loss.
        upper: Upper bound of the loss.
        p: p-value of "at most MARGIN is lost".
        n: Number of examples.
    """

    worse: int
    better: int
    drop: float
    upper: float
    p: float
    n: int

    @property
    def needed(self) -> int | None:
        """Return about how many more examples would prove it; None if it is proven, or if no number would."""
        return None if self.upper <= MARGIN else needed(self.worse, self.better, self.n)

    def verdict(self, p_holm: float, original: float) -> StressVerdict:
        """Return the verdict for a p-value after Holm's correction and the original's mean score.

        If the original has (nearly) no right predictions, nothing can be lost, which proves nothing.
        """
        if p_holm <= LEVEL:
            return "worse"
        return "even" if self.upper <= MARGIN < original else "unclear"


def compare(pairs: Pairs) -> Difference:
    """Compare both versions' scores.

    Whole scores use the exact bounds of the proof. Shares (of the time steps of a sequence) use a bootstrap over
    examples, widened to the bound that the same few examples would give without any change.
    """
    n, losses = len(pairs), pairs[:, 0] - pairs[:, 1]
    worse, better = int((losses > 1e-9).sum()), int((losses < -1e-9).sum())
    drop = float(losses.mean())
    if np.isin(losses, (-1.0, 0.0, 1.0)).all():
        upper, p = drop_upper(worse, better, n), more_than_p(worse, better, n, MARGIN)
    else:
        draws = bootstrap_sums(losses) / n
        most = max(loss_bound(draws, LEVEL, LEVEL)[1], binomial_upper(0, n), drop)
        upper = min(most, binomial_upper(worse, n))
        p = max(float((draws <= MARGIN).mean()), mcnemar_p(worse, better), 1 / len(draws))
    return Difference(worse, better, drop, upper, p, n)


@lru_cache(maxsize=4096)
def needed(worse: int, better: int, n: int) -> int | None:
    """Return about how many more examples would prove it if nothing is truly lost; None if no number would.

    The smaller one of two estimates is used: by gains and losses, or by losses alone.
    """
    ways = (Counts(worse, better, n, worse + better, n), Counts(0, 0, 0, worse, n))
    found = [missing_items(counts, MARGIN, MARGIN, LEVEL) for counts in ways]
    return min((count for count in found if count is not None), default=None)


def about(count: int) -> str:
    """Return a number rounded up to two significant digits: "1,300"."""
    step = 10 ** max(0, len(str(count)) - 2)
    return f"{-(-count // step) * step:,}"
