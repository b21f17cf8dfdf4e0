"""Kinds of stress are found by scanning their package: one new file adds one."""

import importlib
import pkgutil
from functools import cache

from workers.evaluate.stress import kinds
from workers.evaluate.stress.base import Stress, Takes


@cache
def all_kinds() -> tuple[Stress, ...]:
    """Every module's STRESS in the order of the report; two of one id are an error."""
    found: dict[str, Stress] = {}
    for module in pkgutil.iter_modules(kinds.__path__):
        stress = importlib.import_module(f"{kinds.__name__}.{module.name}").STRESS
        if stress.id in found:
            raise ValueError(f"two kinds of stress are called {stress.id!r}")
        found[stress.id] = stress
    return tuple(sorted(found.values(), key=lambda stress: (stress.order, stress.id)))


def planned(takes: Takes, full: bool, color: bool = True) -> tuple[tuple[Stress, tuple[int, ...]], ...]:
    """The kinds for such inputs with their severities: all of them, or those of quick mode."""
    rows = []
    for stress in all_kinds():
        severities = tuple(range(1, len(stress.levels) + 1)) if full else stress.quick
        if stress.takes == takes and severities and (color or not stress.needs_color):
            rows.append((stress, severities))
    return tuple(rows)
