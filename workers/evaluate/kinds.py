"""Kinds of checks and scores are found by scanning their package: one new file adds one."""

import importlib
import pkgutil
from types import ModuleType
from typing import Any, Protocol


class Kind(Protocol):
    """What every kind has: a name of its own, and its place in a report."""

    @property
    def id(self) -> str: ...

    @property
    def order(self) -> int: ...


def kinds_in(package: ModuleType, attribute: str) -> list[Any]:
    """`attribute` of each module of the package, in the order of the report. Raises ValueError for two of one id."""
    found: dict[str, Kind] = {}
    for module in pkgutil.iter_modules(package.__path__):
        kind: Kind = getattr(importlib.import_module(f"{package.__name__}.{module.name}"), attribute)
        if kind.id in found:
            raise ValueError(f"two in {package.__name__} are called {kind.id!r}")
        found[kind.id] = kind
    return sorted(found.values(), key=lambda kind: (kind.order, kind.id))
