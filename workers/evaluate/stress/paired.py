"""Test whether one version is as good as the other on the same examples, by a bound of the paired difference.

The test is one of non-inferiority, never a p-value above .05. "As good" requires that the exact one-sided 95 % bound of
the loss stays within the margin. "Worse" requires that the loss is surely above the margin. Otherwise the result is
unclear. A claim about many kinds at once requires that each kind holds (an intersection-union test, Berger 1982), so
these bounds need no correction. Holm's correction over all tests controls false alarms.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.stress import MARGIN, StressCell, StressVerdict
from workers.contracts.translation import localized
from workers.evaluate.proof.bounds import Counts, loss_bound
from workers.evaluate.proof.needed import missing_items
from workers.evaluate.proof.stats import CONFIDENCE, binomial_upper, bootstrap_sums, drop_upper, mcnemar_p, more_than_p

LEVEL = 1 - CONFIDENCE

Pairs = NDArray[np.float64]
"""Scores (n, 2) of the original and of the optimized version for each example, 0..1."""


def compare(pairs: Pairs, severity: int = 0, level: str = "") -> StressCell:
    """Compare both versions' scores; the verdict is "even" or "unclear" until `held` knows the corrected p-value.

    Whole scores use the exact bounds of the proof. Shares (of the time steps of a sequence) use a bootstrap over
    examples, widened to the bound that the same few examples would give without any change. If the original has
    (nearly) no right predictions, nothing can be lost, which proves nothing.
    """
    n, losses, (original, optimized) = len(pairs), pairs[:, 0] - pairs[:, 1], pairs.mean(axis=0).tolist()
    worse, better = int((losses > 1e-9).sum()), int((losses < -1e-9).sum())
    if np.isin(losses, (-1.0, 0.0, 1.0)).all():
        upper, p = drop_upper(worse, better, n), more_than_p(worse, better, n, MARGIN)
    else:
        draws = bootstrap_sums(losses) / n
        most = max(loss_bound(draws, LEVEL, LEVEL)[1], binomial_upper(0, n), float(losses.mean()))
        upper = min(most, binomial_upper(worse, n))
        p = max(float((draws <= MARGIN).mean()), mcnemar_p(worse, better), 1 / len(draws))
    return StressCell(
        severity=severity, level=level, n=n, original=original, optimized=optimized, worse=worse, better=better,
        p=p, upper=upper, needed=None if upper <= MARGIN else needed(worse, better, n),
        verdict="even" if upper <= MARGIN < original else "unclear",
    )  # fmt: skip


def held(cell: StressCell, p_holm: float) -> StressCell:
    """Return the cell with its p-value after Holm's correction and the verdict that follows."""
    verdict: StressVerdict = "worse" if p_holm <= LEVEL else cell.verdict
    return cell.model_copy(update={"p_holm": p_holm, "verdict": verdict})


@lru_cache(maxsize=4096)
def needed(worse: int, better: int, n: int) -> int | None:
    """Return about how many more examples would prove it if nothing is truly lost; None if no number would.

    The smaller one of two estimates is used: by gains and losses, or by losses alone.
    """
    assumed = (Counts(worse, better, n, worse + better, n), Counts(0, 0, 0, worse, n))
    estimates = [missing_items(counts, MARGIN, MARGIN, LEVEL) for counts in assumed]
    return min((count for count in estimates if count is not None), default=None)


def about(count: int) -> str:
    """Return a number rounded up to two significant digits: "1,300"."""
    step = 10 ** max(0, len(str(count)) - 2)
    return localized(-(-count // step) * step)
