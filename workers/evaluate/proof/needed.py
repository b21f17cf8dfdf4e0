"""Compute how many examples a proof needs, for messages like "add about N examples"."""

import math
from bisect import bisect_left

import numpy as np

from workers.evaluate.proof.bounds import Counts
from workers.evaluate.proof.differences import Loss
from workers.evaluate.proof.stats import CONFIDENCE, binomial_upper, normal_quantile, tango_score

ROUNDING = 1e-12

FAR_LEVEL, FAR_TIMES = 0.001, 3.0
"""A loss of more than three times the limit, at this one-sided level, is far beyond it. Consider a version that truly
loses three times the limit, and a test set that proves the limit if nothing changes (at least 96 % sure). Such a
version changes no item of such a set in one of 15,000 draws.
"""

POWER = 0.80
SPARE = 1.10
"""The number of examples that people see is ten percent more than the formula gives."""

FEW_FLIPS = 60
"""Below this number of expected flips the formula promises too few examples, so the exact power is computed."""


def could_prove(n: float, limit: float, alpha: float) -> bool:
    """Return whether `n` items without a change prove a share changed of at most `limit` (0..1) at level `alpha`.

    The levels of looks are those of `workers.contracts.proof.proving.level_of_look`. Looking again until the verdict is
    "safe" raises the error rate above the reported level, so each further look has to prove more. A look at too few
    items to prove anything, even without any change, cannot err. It does not lower the level of the next look, so that
    adding a few items never moves the goal away.
    """
    return binomial_upper(0, n, 1 - alpha) <= limit + ROUNDING


def needed_examples(margin: float, flips: float, confidence: float = CONFIDENCE) -> int | None:
    """Return how many items prove "the drop is at most `margin`" with 80 % power if the true drop is 0.

    The formula is N = (z₁₋α√ψ + z₁₋β√(ψ−δ²))²/δ² plus ten percent, with δ = `margin` and ψ = `flips`. The result is at
    least what a set without any change needs (about 3/δ). It is larger if flips are so few that the normal
    approximation of the formula does not hold.

    Args:
        margin: The largest allowed drop, 0..1.
        flips: Share of items that become right or wrong.
        confidence: One-sided confidence of the proof.

    Returns:
        The number of items, or None if the margin is 0.
    """
    if margin <= 0:
        return None
    if margin >= 1:
        return 1
    flips = max(flips, margin * margin)
    z_a, z_b = normal_quantile(confidence), normal_quantile(POWER)
    paired = (z_a * math.sqrt(flips) + z_b * math.sqrt(flips - margin * margin)) ** 2 / margin**2
    count = math.ceil(max(paired, _unchanged(margin, confidence)) * SPARE)
    while count * flips < FEW_FLIPS and paired_power(count, flips, margin, confidence) < POWER:
        count = math.ceil(count * 1.03)
    return count


def needed_unlabelled(margin: float, changed: float, confidence: float = CONFIDENCE) -> int | None:
    """Return the number of items that prove `margin` without labels, where every change counts as a loss.

    Returns None if the share of changes `changed` is not below the margin.
    """
    if margin <= 0 or changed >= margin:
        return None
    if margin >= 1:
        return 1
    z_a, z_b = normal_quantile(confidence), normal_quantile(POWER)
    spread = z_a * math.sqrt(margin * (1 - margin)) + z_b * math.sqrt(changed * (1 - changed))
    count = math.ceil(max((spread / (margin - changed)) ** 2, _unchanged(margin, confidence)) * SPARE)
    while count * margin < FEW_FLIPS and unlabelled_power(count, changed, margin, confidence) < POWER:
        count = math.ceil(count * 1.03)
    return count


def needed_mean(limit: float, mean: float, confidence: float = CONFIDENCE) -> int | None:
    """Return how many items prove that the mean changed share of an item is at most `limit`.

    Args:
        limit: The largest allowed mean share.
        mean: Expected mean share. If it is above 0, ten percent are added to the result.
        confidence: One-sided confidence of the proof.

    Returns:
        The number of items, or None if the mean is not below the limit.
    """
    if limit >= 1:
        return 1
    if not 0 <= mean < limit:
        return None
    least = math.ceil(_unchanged(limit, confidence) - 1e-9)
    if not mean:
        return least
    most = least
    while binomial_upper(mean * most, most, confidence) > limit:
        most *= 2
    count = bisect_left(
        range(most), True, key=lambda n: n >= least and binomial_upper(mean * n, n, confidence) <= limit
    )
    return math.ceil(count * SPARE)


def missing_items(counts: Counts, limit: float, margin: float, alpha: float) -> int | None:
    """Return how many more items a proof at level `alpha` probably needs.

    The result is the smaller one of two numbers: more labelled items, or more items of any kind if few results change.
    It is None if no number is enough.
    """
    partly = 0 < counts.n < counts.everything
    confidence = 1 - (alpha / 2 if partly else alpha)
    proofs = []
    if not counts.n or partly:
        proofs.append((needed_unlabelled(margin, counts.share, confidence), counts.everything))
    if counts.n or proofs[0][0] is None:
        flips = (counts.b + counts.c) / counts.n if counts.n else counts.share
        proofs.append((needed_examples(margin, flips, confidence), counts.n or counts.everything))
    return min((_more(needed, have) for needed, have in proofs if needed is not None), default=None)


def missing_scored(loss: Loss, limit: float, everything: float, alpha: float) -> int | None:
    """Return how many more labelled items a score needs for a proof with 80 % power.

    The proof shows at level `alpha` that the version loses at most the share `limit` of the original's score, if the
    drop stays as observed. The resampled spread falls with the square root of the number of items. `everything` is the
    number of all items. Returns None if no number is enough.
    """
    margin, drop, draws = limit * abs(loss.original), max(loss.drop, 0.0), loss.draws[np.isfinite(loss.draws)]
    if len(draws) < 2 or drop >= margin:
        return None
    confidence = 1 - (alpha / 2 if loss.items < everything else alpha)
    z = normal_quantile(confidence) + normal_quantile(POWER)
    spread = loss.items * (z * float(draws.std()) / (margin - drop)) ** 2
    return _more(math.ceil(max(spread, _unchanged(limit, confidence)) * SPARE), loss.items)


def _more(needed: int, have: float) -> int:
    return math.ceil(needed - have) if needed > have else max(1, int(have // 10))


def _unchanged(margin: float, confidence: float) -> float:
    """Return how many items without a single change prove the margin: about 3/δ."""
    if margin >= 1:
        return 1.0
    return math.log(1 - confidence) / math.log1p(-margin)


def paired_power(n: int, flips: float, margin: float, confidence: float = CONFIDENCE) -> float:
    """Return P[proven] for b + c ~ Bin(n, flips) and b ~ Bin(b + c, ½), by the bounds for small counts."""
    total = 0.0
    most = math.ceil(n * flips + 8 * math.sqrt(n * flips) + 8)
    for count in range(min(n, most) + 1):
        combinations = sum(math.comb(count, b) for b in range(_unproven_losses(count, n, margin, confidence)))
        total += binomial_mass(count, n, flips) * combinations / 2**count
    return total


def _unproven_losses(count: int, n: int, margin: float, confidence: float) -> int:
    """Return the smallest number of losses among `count` changes that is too many; each loss makes the proof harder."""
    return bisect_left(range(count + 1), True, key=lambda b: not proven(b, count - b, n, margin, confidence))


def proven(b: int, c: int, n: int, margin: float, confidence: float = CONFIDENCE) -> bool:
    """Return whether `b` lost and `c` gained of `n` items prove a drop of at most `margin`.

    Uses the bounds for small counts.
    """
    if binomial_upper(b, n, confidence) <= margin:
        return True
    return c > 0 and tango_score(b, c, n, margin) <= -normal_quantile(confidence)


def unlabelled_power(n: int, changed: float, margin: float, confidence: float = CONFIDENCE) -> float:
    """Return P[proven] if the number of changes is Bin(n, changed), by the exact bound."""
    total = 0.0
    for count in range(n + 1):
        if binomial_upper(count, n, confidence) > margin:
            break
        total += binomial_mass(count, n, changed)
    return total


def binomial_mass(hits: int, n: int, share: float) -> float:
    """Return P[Bin(n, share) = hits]."""
    if share <= 0:
        return float(hits == 0)
    if share >= 1:
        return float(hits == n)
    log = math.lgamma(n + 1) - math.lgamma(hits + 1) - math.lgamma(n - hits + 1)
    return math.exp(log + hits * math.log(share) + (n - hits) * math.log1p(-share))
