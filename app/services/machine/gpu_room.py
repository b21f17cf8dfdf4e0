"""Compare a model's least need of GPU memory with the free memory, before a run."""

from dataclasses import dataclass

from app.services.flow.steps import Flow
from app.services.machine.gpu_doctor import look_for_cards
from workers.contracts.gpu import GpuCard
from workers.contracts.planning import Dropped, PlanResult, Reason
from workers.contracts.runtimes import needs_gpu

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


def room_for(model_bytes: int) -> Flow[GpuRoom | None]:
    """Return the room for a model of `model_bytes` on the card that jobs use, None if that card does not respond."""
    found = yield from look_for_cards()
    card = next((card for card in found.cards if card.index == found.index), None)
    if card is None:
        return None
    return GpuRoom(card, CONTEXT_BYTES + model_bytes, found.free_bytes.get(card.uuid))


def without_card(plan: PlanResult, room: GpuRoom) -> PlanResult:
    """Return the plan without recipes for the card, which it lists as not tried."""
    reason = Reason(code="no_room_on_card", text=f"It does not fit on {room.card.name} as its memory is now.")
    gone = [recipe for recipe in plan.candidates if needs_gpu(recipe.runtime)]
    dropped = tuple(Dropped(title=recipe.title, reason=reason, id=recipe.id) for recipe in gone)
    kept = tuple(recipe for recipe in plan.candidates if recipe not in gone)
    return plan.model_copy(update={"candidates": kept, "dropped": (*plan.dropped, *dropped)})


def room_words(room: GpuRoom, *, is_left_out: bool = False) -> str:
    """Return one sentence about the room, with advice if the model cannot fit; `is_left_out`: the card is not used."""
    name, need = room.card.name, f"{room.need_bytes / 1e9:.1f} GB"
    if room.free_bytes is None:
        return f"{name}: this model needs {need} of its memory at the least; the card does not tell how much is free."
    there = f"{room.free_bytes / 1e9:.1f} of {room.card.memory_bytes / 1e9:.1f} GB"
    told = f"{name}: {there} are free, and this model needs {need} at the least."
    if not room.is_short:
        return told
    told = f"{told} It does not fit: close other programs that use the card, or let the processor do it (--device cpu)."
    asked = f"Nothing is tried on the card unless you ask for it (--device cuda:{room.card.index})."
    return f"{told} {asked}" if is_left_out else told
