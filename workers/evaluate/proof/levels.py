"""Whether items can prove anything at all. Levels of looks: `workers.contracts.proof.proving.level_of_look`.

Whoever may look again until it says safe errs more often than told: each further look has to prove more. A look at too
few items to prove anything, even with no change at all, cannot err: it takes nothing from the next one, so that adding
a few items never moves the goal away.
"""

from workers.evaluate.proof.stats import binomial_upper

ROUNDING = 1e-12

FAR_LEVEL, FAR_TIMES = 0.001, 3.0
"""A loss of more than three times the limit, at this one-sided level, is far beyond it. Of items that prove the limit
without a change (at least 96 % sure) a version that truly loses three times as much changes none in one of 15,000
draws."""


def could_prove(n: float, limit: float, alpha: float) -> bool:
    """Whether `n` items without a single change prove a share changed of at most `limit` (0..1) at level `alpha`."""
    return binomial_upper(0, n, 1 - alpha) <= limit + ROUNDING
