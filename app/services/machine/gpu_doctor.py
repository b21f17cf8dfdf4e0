"""The GPU doctor: each rung of the ladder tried in a worker of its own, on each card, and told as it comes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from app.services.flow.steps import Done, Flow, JobError, JobStep
from workers.contracts.gpu import (
    NOT_TRIED,
    GpuCard,
    RungListing,
    RungParams,
    RungResult,
    RungsParams,
    RungsResult,
    TriedRung,
)
from workers.contracts.process.messages import Limits

RUNG_WALL_S = 180.0
"""The longest builds an engine; a driver that hangs is ended then."""


@dataclass(frozen=True)
class Ladder:
    """All that was found. Of rungs, those that this computer does not need are left out."""

    cards: tuple[GpuCard, ...]
    rungs: tuple[TriedRung, ...]

    @property
    def holds(self) -> bool:
        """Whether each rung does."""
        return all(row.ok for row in self.rungs)

    @property
    def first_broken(self) -> TriedRung | None:
        """What is to be mended before anything else."""
        return next((row for row in self.rungs if not row.ok), None)


def _silent(told: object) -> None:
    """Nobody watches."""


def look_for_cards() -> Flow[RungsResult]:
    """Which cards answer, in a moment; nothing is tried."""
    done: Done[RungsResult] = yield JobStep(
        "gpu_rungs", RungsParams(), RungsResult, "Look for NVIDIA GPUs", shares_card=True, limits=_limits(None)
    )
    return done.result


def examine(
    tell: Callable[[TriedRung], None] = _silent, listen: Callable[[tuple[GpuCard, ...]], None] = _silent
) -> Flow[Ladder]:
    """Try all rungs, from the lowest; what stands on a broken one is not tried. `tell` gets each row as it comes,
    `listen` the cards before the first.
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
    """The computer's rungs first, then all of one card, then all of the next."""
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
        done: Done[RungResult] = yield JobStep(
            "gpu_rung", RungParams(rung=rung.id, card=card), RungResult, rung.title, limits=_limits(card)
        )
    except JobError as error:  # a driver that crashes or hangs took the worker with it
        told = error.error
        return TriedRung(**place, ok=False, code=told.code, found=told.title + ".", reason=told.detail, hint=told.hint)
    found = done.result
    if found.ok is None:
        return None
    return TriedRung(**place, **found.model_dump())


def _limits(card: GpuCard | None) -> Limits:
    choice = card.choice if card is not None and card.uuid else None
    return Limits(gpu=True, card=choice, wall_s=RUNG_WALL_S)
