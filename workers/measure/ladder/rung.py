"""The ladder of the GPU doctor: rungs from the device files to a product on each runtime, found as files of `rungs`.

A module of `workers.measure.ladder.rungs` holds `RUNGS`, one or some `Rung`; its heavy imports go inside functions.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from workers.contracts.gpu import GpuCard, InstallSet, RungListing, RungResult
from workers.contracts.optional_sets import install_command

PACKAGE = "workers.measure.ladder.rungs"

Attempt = Callable[[GpuCard | None], RungResult]


@dataclass(frozen=True)
class Rung:
    """`attempt(card)` really tries it, in a worker that sees that card alone as CUDA's device 0 (None: there is none).

    It is tried where the rungs `needs` hold, in the order of `order`, on each card anew if `per_card`. What need not
    be on this computer answers `not_here()`.
    """

    id: str
    title: str
    order: int
    attempt: Attempt
    needs: tuple[str, ...] = ()
    per_card: bool = True

    @property
    def listing(self) -> RungListing:
        return RungListing(id=self.id, title=self.title, needs=self.needs, per_card=self.per_card)


def holds(found: str) -> RungResult:
    """It works; `found` says what was seen."""
    return RungResult(ok=True, found=found)


def broken(code: str, found: str, reason: str, hint: str, command: str = "") -> RungResult:
    """It does not work: why, and the one thing that mends it."""
    return RungResult(ok=False, code=code, found=found, reason=reason, hint=hint, command=command)


def to_install(code: str, found: str, reason: str, hint: str, installs: InstallSet) -> RungResult:
    """It does not work, and the installer mends it by taking the set `installs`."""
    return broken(code, found, reason, hint, install_command(installs)).model_copy(update={"installs": installs})


def not_here() -> RungResult:
    """It is about something that this computer does not need."""
    return RungResult(ok=None)


def find_rungs(package: str = PACKAGE) -> tuple[Rung, ...]:
    """All rungs, from the lowest. Raises ValueError where two have one id."""
    found: dict[str, Rung] = {}
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        for rung in getattr(importlib.import_module(f"{package}.{info.name}"), "RUNGS", ()):
            if rung.id in found:
                raise ValueError(f"two rungs have the id “{rung.id}”")
            found[rung.id] = rung
    return tuple(sorted(found.values(), key=lambda rung: (rung.order, rung.id)))
