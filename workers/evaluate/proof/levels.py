"""Decide whether a number of items can prove anything at all.

The levels of looks are in `workers.contracts.proof.proving.level_of_look`. Looking again until the verdict is "safe"
raises the error rate above the reported level, so each further look has to prove more. A look at too few items to prove
anything, even without any change, cannot err. It does not lower the level of the next look, so that adding a few items
never moves the goal away.
"""

from workers.evaluate.proof.stats import binomial_upper

ROUNDING = 1e-12

FAR_LEVEL, FAR_TIMES = 0.001, 3.0
"""A loss of more than three times the limit, at this one-sided level, is far beyond it. Consider a version that truly
loses three times the limit, and a test set that proves the limit if nothing changes (at least 96 % sure). Such a
version changes no item of such a set in one of 15,000 draws.
"""


def could_prove(n: float, limit: float, alpha: float) -> bool:
    """Return whether `n` items without a change prove a share changed of at most `limit` (0..1) at level `alpha`."""
    return binomial_upper(0, n, 1 - alpha) <= limit + ROUNDING
