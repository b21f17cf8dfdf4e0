"""Kinds of stress are found by scanning their package: one new file adds one."""

from functools import cache

from workers.evaluate.kinds import kinds_in
from workers.evaluate.stress import kinds
from workers.evaluate.stress.base import Stress, Takes


@cache
def all_kinds() -> tuple[Stress, ...]:
    """Every module's STRESS in the order of the report."""
    return tuple(kinds_in(kinds, "STRESS"))


def planned(takes: Takes, full: bool, color: bool = True) -> tuple[tuple[Stress, tuple[int, ...]], ...]:
    """The kinds for such inputs with their severities: all of them, or those of quick mode."""
    rows = []
    for stress in all_kinds():
        severities = tuple(range(1, len(stress.levels) + 1)) if full else stress.quick
        if stress.takes == takes and severities and (color or not stress.needs_color):
            rows.append((stress, severities))
    return tuple(rows)
