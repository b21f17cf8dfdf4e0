"""Diagnose GPUs: try each check ("rung") in its own worker on each card, and report results as they come."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from app.services.flow.steps import Flow, JobError, JobStep
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
from workers.contracts.planning import Dropped, PlanResult, Reason
from workers.contracts.process.messages import Limits
from workers.contracts.runtimes import needs_gpu
from workers.contracts.translation import _, joined

RUNG_WALL_S = 180.0
"""Most seconds of one check; the longest one builds an engine, and a hanging driver is then ended."""


@dataclass(frozen=True)
class Ladder:
    """All results of one diagnosis, without checks that this computer does not need."""

    cards: tuple[GpuCard, ...]
    rungs: tuple[TriedRung, ...]

    @property
    def first_broken(self) -> TriedRung | None:
        """Return the first failed check, which must be repaired before all others, None if all succeeded."""
        return next((row for row in self.rungs if not row.ok), None)


def look_for_cards(computer: str = "") -> Flow[RungsResult]:
    """Return the cards of a computer that respond, quickly and without checks."""
    step = JobStep(
        "gpu_rungs",
        Nothing(),
        RungsResult,
        "Look for NVIDIA GPUs",
        shares_card=True,
        computer=computer,
        limits=_limits(None),
    )
    return (yield from step.run()).result


def examine(
    report: Callable[[TriedRung], None], report_cards: Callable[[tuple[GpuCard, ...]], None] = lambda _cards: None
) -> Flow[Ladder]:
    """Run all checks from the lowest one; checks that depend on a failed one are skipped.

    `report` gets each result as it comes, `report_cards` gets the cards before the first check.
    """
    listed = yield from look_for_cards()
    report_cards(listed.cards)
    rows: list[TriedRung] = []
    for rung, card in _places(listed.rungs, listed.cards):
        row = yield from _try(rung, card, rows)
        if row is not None:
            rows.append(row)
            report(row)
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
        reason = _("It needs “{0}”, which failed.").format(_(under.title))
        return TriedRung(**place, ok=False, code=NOT_TRIED, found="Not tried.", reason=reason, hint="Solve that first.")
    try:
        done = yield from JobStep(
            "gpu_rung", RungParams(rung=rung.id, card=card), RungResult, rung.title, limits=_limits(card)
        ).run()
    except JobError as error:  # a crashing or hanging driver also ended the worker
        report = error.error
        found = _("{0}.").format(_(report.title))
        return TriedRung(**place, ok=False, code=report.code, found=found, reason=report.detail, hint=report.hint)
    result = done.result
    if result.ok is None:
        return None
    return TriedRung(**place, **result.model_dump())


def _limits(card: GpuCard | None) -> Limits:
    choice = card.choice if card is not None and card.uuid else None
    return Limits(gpu=True, card=choice, wall_s=RUNG_WALL_S)


CONTEXT_BYTES = 300_000_000
"""Least bytes of a CUDA context with its libraries' kernels, before any model is loaded."""


@dataclass(frozen=True)
class GpuRoom:
    """Memory of a card and the least need of a model on it.

    `need_bytes` is a lower bound: the context and the weights, without memory between layers. `free_bytes` is None if
    the card does not report it.
    """

    card: GpuCard
    need_bytes: int
    free_bytes: int | None

    @property
    def is_short(self) -> bool:
        """Return whether the model cannot fit."""
        return self.free_bytes is not None and self.free_bytes < self.need_bytes


def room_for(model_bytes: int, computer: str = "") -> Flow[GpuRoom | None]:
    """Return the room for a model of `model_bytes` on the card that jobs use, None if that card does not respond."""
    cards = yield from look_for_cards(computer)
    card = next((card for card in cards.cards if card.index == cards.index), None)
    if card is None:
        return None
    return GpuRoom(card, CONTEXT_BYTES + model_bytes, cards.free_bytes.get(card.uuid))


def without_card(plan: PlanResult, room: GpuRoom) -> PlanResult:
    """Return the plan without recipes for the card, which it lists as not tried."""
    reason = Reason(
        code="no_room_on_card", text=_("It does not fit on {0} as its memory is now.").format(room.card.name)
    )
    gone = [recipe for recipe in plan.candidates if needs_gpu(recipe.runtime)]
    dropped = tuple(Dropped(title=recipe.title, reason=reason, id=recipe.id) for recipe in gone)
    kept = tuple(recipe for recipe in plan.candidates if recipe not in gone)
    return plan.model_copy(update={"candidates": kept, "dropped": (*plan.dropped, *dropped)})


def room_words(room: GpuRoom, *, is_left_out: bool = False) -> str:
    """Return one sentence about the room, with advice if the model cannot fit; `is_left_out`: the card is not used."""
    name, need = room.card.name, _("{0:.1f} GB").format(room.need_bytes / 1e9)
    if room.free_bytes is None:
        return _("{0}: this model needs {1} of its memory at least; the card does not report how much is free.").format(
            name, need
        )
    there = _("{0:.1f} of {1:.1f} GB").format(room.free_bytes / 1e9, room.card.memory_bytes / 1e9)
    report = _("{0}: {1} are free, and this model needs {2} at least.").format(name, there, need)
    if not room.is_short:
        return report
    advice = _("It does not fit: close other programs that use the card, or use the processor.")
    requested = _("To use the card anyway, name it (--device cuda:{0}).").format(room.card.index)
    return joined([report, advice, requested if is_left_out else ""])
