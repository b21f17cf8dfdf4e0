"""Compute what a number of examples can prove, before anything runs (docs/evaluation.md)."""

import math

from app.domain.choose import LEAST_ALIKE_ITEMS
from workers.contracts.proof.proving import level_of_look

FIRST_LEVEL = level_of_look(0)

ROUNDING = 1e-9

SPARE_TEXTS = 1.5
"""Ratio of texts to those that prove an unchanged version.

They suffice for a version that changes up to .18 of what the limit allows. Careful 8 bits change .09 % of next words at
a limit of 1 %.
"""


def least_to_prove(limit_pct: float, level: float = FIRST_LEVEL) -> int | None:
    """Return how many unchanged test examples prove a loss of at most `limit_pct` percent, None if none do.

    The exact one-sided bound of 0 changes in n is 1 − α^(1/n): 1 % needs 321, 5 % needs 63.
    """
    if limit_pct <= 0:
        return None
    if limit_pct >= 100:
        return 1
    return math.ceil(math.log(level) / math.log1p(-limit_pct / 100) - ROUNDING)


def fewest_examples(limit_pct: float) -> int:
    """Return how many test examples can support rounded numbers at a limit in percent.

    They prove the limit or, at 0 %, which cannot be proven, let a version be recommended unproven.
    """
    return least_to_prove(limit_pct) or LEAST_ALIKE_ITEMS


def texts_to_ask(limit_pct: float, have: int) -> int:
    """Return how many of `have` texts a language model is tested with.

    They suffice to prove a limit in percent for a version that changes a little; all texts are used if none suffice.
    """
    least = least_to_prove(limit_pct)
    return have if least is None else min(have, math.ceil(SPARE_TEXTS * least))


def least_limit_pct(examples: int) -> float:
    """Return the smallest limit, in tenths of a percent rounded up, that `examples` test examples can prove."""
    if examples < 1:
        return 100.0
    return math.ceil(1000 * (1 - math.pow(FIRST_LEVEL, 1 / examples))) / 10
