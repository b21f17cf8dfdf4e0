"""Is one version as good as the other on the same examples? A bound of the paired difference, never a p-value above
.05.

Non-inferiority: "as good" only where the exact one-sided 95 % bound of what is lost stays within the margin, "worse"
only where the loss is surely above it, else nobody can tell yet. To claim it of many kinds at once each has to hold
(an intersection-union test, Berger 1982), so these bounds need no correction; alarms are held by Holm over all of
them.
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
"""(n, 2): the original's and the optimized one's score of each example, 0..1."""


@dataclass(frozen=True)
class Difference:
    """Of `n` examples `worse` got less and `better` more. `drop` is the mean loss and `upper` its bound; `p` is of "at
    most MARGIN is lost"."""

    worse: int
    better: int
    drop: float
    upper: float
    p: float
    n: int

    @property
    def needed(self) -> int | None:
        """About so many more examples would probably prove it; None where it is proven, or no number would."""
        return None if self.upper <= MARGIN else needed(self.worse, self.better, self.n)

    def verdict(self, p_holm: float, original: float) -> StressVerdict:
        """Nothing can be lost where the original itself gets (nearly) nothing right: that proves nothing."""
        if p_holm <= LEVEL:
            return "worse"
        return "even" if self.upper <= MARGIN < original else "unclear"


def compare(pairs: Pairs) -> Difference:
    """Whole scores by the exact bounds of the proof; shares (of the moments of a sequence) by drawing examples again,
    widened to what as few examples without any change would prove."""
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
    """About how many more examples would prove it, if nothing is lost in truth: by gains and losses, or by losses
    alone."""
    ways = (Counts(worse, better, n, worse + better, n), Counts(0, 0, 0, worse, n))
    found = [missing_items(counts, MARGIN, MARGIN, LEVEL) for counts in ways]
    return min((count for count in found if count is not None), default=None)


def about(count: int) -> str:
    """Two digits that matter: "1,300"."""
    step = 10 ** max(0, len(str(count)) - 2)
    return f"{-(-count // step) * step:,}"
