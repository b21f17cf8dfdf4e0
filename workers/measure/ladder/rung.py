"""Define the checks of the GPU doctor, called rungs, and find them as modules of `rungs`.

A module of `workers.measure.ladder.rungs` defines `RUNGS`, a tuple of `Rung`; its heavy imports go inside functions.
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
    """One check of the GPU doctor.

    `attempt(card)` really tries it, in a worker that sees only that card as CUDA's device 0 (None: there is none). It
    runs if the rungs in `needs` hold, sorted by `order`, and on each card separately if `per_card`. A check of
    something that this computer does not need returns `not_here()`.
    """

    id: str
    title: str
    order: int
    attempt: Attempt
    needs: tuple[str, ...] = ()
    per_card: bool = True

    @property
    def listing(self) -> RungListing:
        """Return the description of the rung for the window."""
        return RungListing(id=self.id, title=self.title, needs=self.needs, per_card=self.per_card)


def holds(found: str) -> RungResult:
    """Return a success; `found` is the observation."""
    return RungResult(ok=True, found=found)


def broken(code: str, found: str, reason: str, hint: str, command: str = "") -> RungResult:
    """Return a failure with its reason and the one step that repairs it."""
    return RungResult(ok=False, code=code, found=found, reason=reason, hint=hint, command=command)


def to_install(code: str, found: str, reason: str, hint: str, installs: InstallSet) -> RungResult:
    """Return a failure that the installer repairs with the package set `installs`."""
    return broken(code, found, reason, hint, install_command(installs)).model_copy(update={"installs": installs})


def not_here() -> RungResult:
    """Return a neutral result: the check concerns something that this computer does not need."""
    return RungResult(ok=None)


def find_rungs() -> tuple[Rung, ...]:
    """Return all rungs, the lowest first.

    Raises:
        ValueError: two rungs have the same id.
    """
    found: dict[str, Rung] = {}
    for info in pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__):
        for rung in importlib.import_module(f"{PACKAGE}.{info.name}").RUNGS:
            if rung.id in found:
                raise ValueError(f"two rungs have the id “{rung.id}”")
            found[rung.id] = rung
    return tuple(sorted(found.values(), key=lambda rung: (rung.order, rung.id)))
