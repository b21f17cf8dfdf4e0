"""Looking again and again until it is safe would err more often than told: each further look has to prove more.

A verdict may be asked for anew whenever examples are added ("Prove it"). Over all looks together, a version that loses
just the limit is called safe in at most α = 5 % of cases: each look spends of α what its bound can err with that many
examples, and the next one may spend 80 % of what is left. A look at too few examples to prove anything spends nothing
and takes nothing: the next one stands where it stood, so that adding a few never moves the goal away. Errors of several
looks add up at most (Bonferroni), whatever data they share. Spending α over looks that nobody planned: Lan and
DeMets, Discrete Sequential Boundaries for Clinical Trials, Biometrika 70 (1983) 659.

How many answers change sides is only estimated, and the score bound of a single look errs in up to 5.6 % where 3 % of
180 labelled answers change: simulated, all looks together stayed below 5.7 % up to 2 % of flips, 6.1 % at 3 %.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workers.contracts.specs import Judgement
from workers.contracts.wording import percent_of
from workers.evaluate.proof.added import Joined
from workers.evaluate.proof.judge_vectors import LEAST_ITEMS, common_items, compare_outputs
from workers.evaluate.proof.needed import binomial_mass, needed_examples, needed_unlabelled, proven
from workers.evaluate.proof.pairs import make_pair
from workers.evaluate.proof.stats import CONFIDENCE, binomial_upper, bootstrap_drop, mean_bounds, tango_upper
from workers.evaluate.proof.verdict import still_missing

ALPHA = 1 - CONFIDENCE
SHARE = 0.8
"""Of what is left each look takes so much: most people add once, and that shall be nearly as easy as the first look."""
LEAST_REST = 0.0005
"""So much is there for later looks where all was spent, else no number of examples would ever prove it; a fifth of it
for each one after.
"""
MANY = 200
"""From so many expected changes on the first look is taken to have spent all of α, as it nearly does."""
NEGLIGIBLE = 1e-9


@dataclass(frozen=True)
class Counts:
    """Of labelled items `n`: `b` lost, `c` gained. Of all `everything` items `changes` have another answer."""

    b: int
    c: int
    n: int
    changes: int
    everything: int

    def upper(self, confidence: float, seed: int = 0) -> float:
        """The bound U of the drop at this confidence, by the rules of the judgement."""
        high = binomial_upper(self.changes, self.everything, confidence)
        if not self.n:
            return high
        exact = binomial_upper(self.b, self.n, confidence)
        if self.c:
            resampled = float(np.quantile(bootstrap_drop(self.b, self.c, self.n, seed), confidence))
            bound = max(resampled, tango_upper(self.b, self.c, self.n, confidence))
            exact = min(exact, max(bound, binomial_upper(0, self.n, confidence)))
        return min(high, exact)


def spent(n: int, margin: float, flips: float, alpha: float = ALPHA) -> float:
    """How often a look at `n` examples with this α says safe if the drop is just `margin`; 0 where n is too small.

    `flips` is the share of answers that change sides, the margin at least: without labels there are no gains, and it is
    the margin itself.
    """
    flips = max(flips, margin)
    if n <= 0 or not 0 < margin < 1 or flips > 1:
        return 0.0
    if n * flips > MANY:
        return alpha
    return min(alpha, _attained(n, margin, flips, 1 - alpha))


def _attained(n: int, margin: float, flips: float, confidence: float) -> float:
    """P[proven] if b + c ~ Bin(n, flips) and b takes (flips + margin) / 2 of them."""
    lost = (flips + margin) / (2 * flips)
    most = min(n, math.ceil(n * flips + 8 * math.sqrt(n * flips) + 8))
    total = 0.0
    for count in range(most + 1):
        mass = binomial_mass(count, n, flips)
        if mass > NEGLIGIBLE:
            ways = (b for b in range(count + 1) if proven(b, count - b, n, margin, confidence))
            total += mass * sum(binomial_mass(b, count, lost) for b in ways)
    return total


def level(earlier: Sequence[int], margin: float, flips: float | None) -> float:
    """α of a look after those at so many `earlier` examples. `flips` None: no classes, each look spends all it may.

    The share of flips is not known but estimated from all examples that there are now.
    """
    alpha, rest, paid = ALPHA, ALPHA, 0
    for n in earlier:
        cost = spent(n, margin, flips, alpha) if flips is not None else alpha if n >= LEAST_ITEMS else 0.0
        if cost <= NEGLIGIBLE:
            continue
        rest -= cost
        alpha = SHARE * max(rest, LEAST_REST * (1 - SHARE) ** paid)
        paid += 1
    return alpha


def hold_to_level(judgement: Judgement, joined: Joined, earlier: Sequence[int], seed: int) -> Judgement:
    """The judgement of this look: safe only at its own level, with as many examples missing as the next one needs."""
    if judgement.verdict not in ("safe", "not_enough_data") or joined.data.origin == "made":
        return judgement
    margin, flips = judgement.margin, judgement.flips
    if flips is not None and not judgement.labelled:
        flips = margin
    alpha = level(earlier, margin, flips)
    if earlier and judgement.verdict == "safe":
        high = _upper(judgement, joined, 1 - alpha, seed)
        if high > margin:
            judgement = judgement.model_copy(update={"verdict": "not_enough_data", "drop_high": high})
    if judgement.verdict == "not_enough_data" and flips is not None:
        ahead = level((*earlier, judgement.n), margin, flips)
        if earlier or spent(judgement.n, margin, flips) > NEGLIGIBLE:
            judgement = judgement.model_copy(update={"missing_examples": _missing(judgement, 1 - ahead)})
    if alpha < ALPHA:
        judgement = judgement.model_copy(update={"notes": (*judgement.notes, _told(len(earlier) + 1, alpha))})
    return judgement


def _told(look: int, alpha: float) -> str:
    return (
        f"It was judged {look} times: a proof has to hold with {percent_of(100 * (1 - alpha))} now instead of 95 %, so"
        " that all of them together err in at most 5 % of cases."
    )


def _upper(judgement: Judgement, joined: Joined, confidence: float, seed: int) -> float:
    if judgement.flips is None:
        items = common_items(joined.data, joined.old, joined.new)
        parts = compare_outputs(joined.old, joined.new, items, seed)
        return 1 - min(mean_bounds(part.values, seed, confidence)[0] for part in parts)
    return counts_of(joined, labelled=judgement.labelled).upper(confidence, seed)


def counts_of(joined: Joined, *, labelled: bool) -> Counts:
    """What a bound of class answers rests on; without labels `n` is 0."""
    pair = make_pair(joined.data, joined.old, joined.new)
    at = pair.labelled
    right_old, right_new = pair.right(pair.old)[at], pair.right(pair.new)[at]
    b, c = int((right_old & ~right_new).sum()), int((~right_old & right_new).sum())
    n = len(right_old) if labelled else 0
    return Counts(b, c, n, int(pair.changed.sum()), len(pair.items))


def _missing(judgement: Judgement, confidence: float) -> int | None:
    """By the same two ways as the judge: labelled items, or items of any kind where few answers change."""
    margin, flips = judgement.margin, judgement.flips or 0.0
    changed = 1 - judgement.agreement if judgement.agreement is not None else flips
    ways = [(needed_unlabelled(margin, changed, confidence), judgement.n)]
    if judgement.labelled or ways[0][0] is None:
        ways.append((needed_examples(margin, flips, confidence), judgement.n_drop))
    found = [still_missing(needed, have) for needed, have in ways if needed is not None]
    counts = [count for count in found if count is not None]
    return min(counts) if counts else None
