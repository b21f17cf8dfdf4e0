"""Find all kinds of checks, readers, scores and tasks by scanning their package, so that a new file adds one kind."""

import importlib
import pkgutil
from functools import cache
from types import ModuleType
from typing import Any


@cache
def kinds_in(package: ModuleType, attribute: str) -> tuple[Any, ...]:
    """Return the object called `attribute` of each module in a package, by its `order` if it has one, then by its id.

    Raises:
        ValueError: If two modules use the same id.
    """
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(package.__path__):
        kind = getattr(importlib.import_module(f"{package.__name__}.{module.name}"), attribute)
        if kind.id in found:
            raise ValueError(f"two in {package.__name__} are called {kind.id!r}")
        found[kind.id] = kind
    return tuple(sorted(found.values(), key=lambda kind: (getattr(kind, "order", 0), kind.id)))
