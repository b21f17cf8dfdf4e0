"""Checks are found by scanning their package: one new file adds one."""

import importlib
import pkgutil
from functools import cache

from workers.evaluate.checks import kinds
from workers.evaluate.checks.base import Check


@cache
def all_checks() -> tuple[Check, ...]:
    """Every module's CHECK in the order of the report; two of one id are an error."""
    found: dict[str, Check] = {}
    for module in pkgutil.iter_modules(kinds.__path__):
        check = importlib.import_module(f"{kinds.__name__}.{module.name}").CHECK
        if check.id in found:
            raise ValueError(f"two checks are called {check.id!r}")
        found[check.id] = check
    return tuple(sorted(found.values(), key=lambda check: (check.order, check.id)))
