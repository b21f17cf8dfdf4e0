"""Find all scores by scanning their package, so that one new file adds one score."""

from functools import cache

from workers.evaluate.kinds import kinds_in
from workers.evaluate.scores import kinds
from workers.evaluate.scores.base import Score


@cache
def all_scores() -> tuple[Score, ...]:
    """Return every module's SCORE in the order of the report."""
    return tuple(kinds_in(kinds, "SCORE"))
