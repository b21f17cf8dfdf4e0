"""List every kind of stress. A new row in a table adds one."""

from workers.evaluate.stress.base import Stress, Takes
from workers.evaluate.stress.kinds import numbers, pictures, sounds, texts


def all_kinds() -> tuple[Stress, ...]:
    """Return the rows of all tables; those of one kind of input are in the order of the report."""
    return (*pictures.KINDS, *texts.KINDS, *sounds.KINDS, *numbers.KINDS)


def planned(takes: Takes, full: bool, color: bool = True) -> tuple[tuple[Stress, tuple[int, ...]], ...]:
    """Return the kinds for such inputs with their severities: all of them, or those of quick mode."""
    rows = []
    for stress in all_kinds():
        severities = tuple(range(1, len(stress.levels) + 1)) if full else stress.quick
        if stress.takes == takes and severities and (color or not stress.needs_color):
            rows.append((stress, severities))
    return tuple(rows)
