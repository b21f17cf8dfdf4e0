"""Diagnose GPUs: try each check ("rung") in its own worker on each card, and report results as they come."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from app.services.flow.steps import Flow, JobError, JobStep, StepResult
from workers.contracts.base import Nothing
from workers.contracts.gpu import (
    NOT_TRIED,
    GpuCard,
    RungListing,
    RungParams,
    RungResult,
    RungsResult,
    TriedRung,
)
from workers.contracts.process.messages import Limits

RUNG_WALL_S = 180.0
"""Most seconds of one check; the longest one builds an engine, and a hanging driver is then ended."""


@dataclass(frozen=True)
class Ladder:
    """All results of one diagnosis, without checks that this computer does not need."""

    cards: tuple[GpuCard, ...]
    rungs: tuple[TriedRung, ...]

    @property
    def holds(self) -> bool:
        """Return whether all checks succeeded."""
        return all(row.ok for row in self.rungs)

    @property
    def first_broken(self) -> TriedRung | None:
        """Return the first failed check, which must be repaired before all others."""
        return next((row for row in self.rungs if not row.ok), None)


def _silent(told: object) -> None:
    """Ignore a report."""


def look_for_cards() -> Flow[RungsResult]:
    """Return the cards that respond, quickly and without checks."""
    done: StepResult[RungsResult] = yield JobStep(
        "gpu_rungs", Nothing(), RungsResult, "Look for NVIDIA GPUs", shares_card=True, limits=_limits(None)
    )
    return done.result


def examine(
    tell: Callable[[TriedRung], None] = _silent, listen: Callable[[tuple[GpuCard, ...]], None] = _silent
) -> Flow[Ladder]:
    """Run all checks from the lowest one; checks that depend on a failed one are skipped.

    `tell` gets each result as it comes, `listen` gets the cards before the first check.
    """
    listed = yield from look_for_cards()
    listen(listed.cards)
    rows: list[TriedRung] = []
    for rung, card in _places(listed.rungs, listed.cards):
        row = yield from _try(rung, card, rows)
        if row is not None:
            rows.append(row)
            tell(row)
    return Ladder(listed.cards, tuple(rows))


def _places(rungs: Iterable[RungListing], cards: tuple[GpuCard, ...]) -> Iterable[tuple[RungListing, GpuCard | None]]:
    """Return the computer's checks first, then all checks of one card, then all of the next."""
    rungs = tuple(rungs)
    yield from ((rung, None) for rung in rungs if not rung.per_card)
    for card in cards or (None,):
        yield from ((rung, card) for rung in rungs if rung.per_card)


def _try(rung: RungListing, card: GpuCard | None, before: list[TriedRung]) -> Flow[TriedRung | None]:
    uuid = card.uuid if card is not None else None
    place: dict[str, Any] = {"id": rung.id, "title": rung.title, "card": uuid}
    below = {row.id: row for row in before if row.card in (None, uuid)}
    under = next((below[name] for name in rung.needs if name in below and not below[name].ok), None)
    if under is not None:
        reason = f"It stands on “{under.title}”, which does not hold."
        return TriedRung(**place, ok=False, code=NOT_TRIED, found="Not tried.", reason=reason, hint="Mend that first.")
    try:
        done: StepResult[RungResult] = yield JobStep(
            "gpu_rung", RungParams(rung=rung.id, card=card), RungResult, rung.title, limits=_limits(card)
        )
    except JobError as error:  # a crashing or hanging driver also ended the worker
        told = error.error
        return TriedRung(**place, ok=False, code=told.code, found=told.title + ".", reason=told.detail, hint=told.hint)
    found = done.result
    if found.ok is None:
        return None
    return TriedRung(**place, **found.model_dump())


def _limits(card: GpuCard | None) -> Limits:
    choice = card.choice if card is not None and card.uuid else None
    return Limits(gpu=True, card=choice, wall_s=RUNG_WALL_S)
