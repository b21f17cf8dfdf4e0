"""What a number of examples can prove at all, known before anything is run (EVALUATION.md of the design)."""

import math

from app.domain.choose import LEAST_ALIKE_ITEMS
from workers.contracts.proof.proving import level_of_look

FIRST_LEVEL = level_of_look(0)

ROUNDING = 1e-9

SPARE_TEXTS = 1.5
"""With so many times the texts that a version without a change needs, one proves the limit that changes up to .18 of
what the limit allows: careful 8 bits change .09 % of next words at a limit of 1 %."""


def least_to_prove(limit_pct: float, level: float = FIRST_LEVEL) -> int | None:
    """Test examples that prove a loss of at most `limit_pct` percent where no answer changes; None where none would.

    The exact one-sided bound of 0 changes in n is 1 − α^(1/n): 1 % needs 321, 5 % needs 63.
    """
    if limit_pct <= 0:
        return None
    if limit_pct >= 100:
        return 1
    return math.ceil(math.log(level) / math.log1p(-limit_pct / 100) - ROUNDING)


def least_to_tell(limit_pct: float) -> int:
    """So many test examples say something about rounded numbers at a limit in percent: they prove it, or at 0 %, which
    none prove, they let a version be recommended unproven.
    """
    return least_to_prove(limit_pct) or LEAST_ALIKE_ITEMS


def texts_to_ask(limit_pct: float, have: int) -> int:
    """Return how many of `have` texts a language model is tested with: as many as prove a limit in percent, and some
    more for a version that changes a little; all of them where none would prove it.
    """
    least = least_to_prove(limit_pct)
    return have if least is None else min(have, math.ceil(SPARE_TEXTS * least))


def least_limit_pct(examples: int) -> float:
    """The smallest limit, in tenths of a percent rounded up, that so many test examples can prove at all."""
    if examples < 1:
        return 100.0
    return math.ceil(1000 * (1 - math.pow(FIRST_LEVEL, 1 / examples))) / 10
