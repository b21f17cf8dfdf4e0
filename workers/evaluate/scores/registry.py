"""Scores are found by scanning their package: one new file adds one."""

from functools import cache

from workers.evaluate.kinds import kinds_in
from workers.evaluate.scores import kinds
from workers.evaluate.scores.base import Score


@cache
def all_scores() -> tuple[Score, ...]:
    """Every module's SCORE by its order."""
    return tuple(kinds_in(kinds, "SCORE"))
