"""What a number of examples can prove at all, known before anything is run (EVALUATION.md of the design)."""

import math

FIRST_LEVEL = 0.04
"""The average's own share of the 5 % that a verdict may err in, at the first look."""

ROUNDING = 1e-9


def least_to_prove(limit_pct: float) -> int | None:
    """Test examples that prove a loss of at most `limit_pct` percent where no answer changes; None where none would.

    The exact one-sided bound of 0 changes in n is 1 − α^(1/n): 1 % needs 321, 5 % needs 63.
    """
    if limit_pct <= 0:
        return None
    if limit_pct >= 100:
        return 1
    return math.ceil(math.log(FIRST_LEVEL) / math.log1p(-limit_pct / 100) - ROUNDING)


def least_limit_pct(examples: int) -> float:
    """The smallest limit, in tenths of a percent rounded up, that so many test examples can prove at all."""
    if examples < 1:
        return 100.0
    return math.ceil(1000 * (1 - math.pow(FIRST_LEVEL, 1 / examples))) / 10
