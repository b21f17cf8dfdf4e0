"""How sure a verdict has to be: the level of the first look at some items, and of every further one.

Whoever may look again until it says safe errs more often than told. So the first look has .04, and the k-th further one
.01·6/(π²k²), which add up to .05 however many there are (Bonferroni over a convergent series). A look at too few items
to prove anything, even with no change at all, cannot err: it takes nothing from the next one, so that adding a few
items never moves the goal away.
"""

import math
from collections.abc import Sequence

from workers.evaluate.proof.stats import binomial_upper

FIRST = 0.04
LATER = 0.01
ROUNDING = 1e-12


def level(earlier: int) -> float:
    """One-sided level of a look after so many `earlier` ones."""
    return FIRST if earlier == 0 else LATER * 6 / (math.pi**2 * earlier**2)


def could_prove(n: int, limit: float, alpha: float) -> bool:
    """Whether `n` items without a single change prove a share changed of at most `limit` (0..1) at level `alpha`."""
    return binomial_upper(0, n, 1 - alpha) <= limit + ROUNDING


def counted(earlier: Sequence[int], limit: float) -> int:
    """How many of the looks at so many `earlier` items could have proven anything."""
    count = 0
    for n in earlier:
        count += could_prove(n, limit, level(count))
    return count
