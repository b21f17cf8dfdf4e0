"""Find all kinds of checks, scores and tasks by scanning their package, so that one new file adds one kind."""

import importlib
import pkgutil
from types import ModuleType
from typing import Any, Protocol


class Kind(Protocol):
    """One kind of check, score or task, as the scanned modules provide it."""

    @property
    def id(self) -> str:
        """Return the unique name of the kind."""
        ...

    @property
    def order(self) -> int:
        """Return the position of the kind in a report, smallest first."""
        ...


def kinds_in(package: ModuleType, attribute: str) -> list[Any]:
    """Return the object called `attribute` of each module in a package, in the order of the report.

    Raises:
        ValueError: If two modules use the same id.
    """
    found: dict[str, Kind] = {}
    for module in pkgutil.iter_modules(package.__path__):
        kind: Kind = getattr(importlib.import_module(f"{package.__name__}.{module.name}"), attribute)
        if kind.id in found:
            raise ValueError(f"two in {package.__name__} are called {kind.id!r}")
        found[kind.id] = kind
    return sorted(found.values(), key=lambda kind: (kind.order, kind.id))
