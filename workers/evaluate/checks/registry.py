"""Find all checks by scanning their package, so that one new file adds one check."""

from functools import cache

from workers.evaluate.checks import kinds
from workers.evaluate.checks.base import Check
from workers.evaluate.kinds import kinds_in


@cache
def all_checks() -> tuple[Check, ...]:
    """Return every module's CHECK in the order of the report."""
    return tuple(kinds_in(kinds, "CHECK"))
