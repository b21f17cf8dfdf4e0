"""What a model needs of a GPU's memory at the least, beside what is free there: said before a run."""

from dataclasses import dataclass

from app.services.flow.steps import Flow
from app.services.machine.gpu_doctor import look_for_cards
from workers.contracts.gpu import GpuCard
from workers.contracts.planning import Dropped, PlanResult, Reason
from workers.contracts.runtimes import needs_gpu

CONTEXT_BYTES = 300_000_000
"""A context of CUDA with its libraries' kernels takes that much at least, before any model is there."""


@dataclass(frozen=True)
class GpuRoom:
    """`need_bytes` are a lower bound: the context and the weights; what a request needs between its layers comes on
    top. `free_bytes` is None where the card does not tell.
    """

    card: GpuCard
    need_bytes: int
    free_bytes: int | None

    @property
    def is_short(self) -> bool:
        """It cannot fit, whatever else."""
        return self.free_bytes is not None and self.free_bytes < self.need_bytes


def room_for(model_bytes: int) -> Flow[GpuRoom | None]:
    """For a model of so many bytes on the card that jobs work on; None where that does not answer."""
    found = yield from look_for_cards()
    card = next((card for card in found.cards if card.index == found.index), None)
    if card is None:
        return None
    return GpuRoom(card, CONTEXT_BYTES + model_bytes, found.free_bytes.get(card.uuid))


def without_card(plan: PlanResult, room: GpuRoom) -> PlanResult:
    """The plan without what would run on the card, which it lists as not tried."""
    reason = Reason(code="no_room_on_card", text=f"It does not fit on {room.card.name} as its memory is now.")
    gone = [recipe for recipe in plan.candidates if needs_gpu(recipe.runtime)]
    dropped = tuple(Dropped(title=recipe.title, reason=reason, id=recipe.id) for recipe in gone)
    kept = tuple(recipe for recipe in plan.candidates if recipe not in gone)
    return plan.model_copy(update={"candidates": kept, "dropped": (*plan.dropped, *dropped)})


def room_words(room: GpuRoom, *, is_left_out: bool = False) -> str:
    """One sentence; where it cannot fit, what to do instead. `is_left_out`: so nothing is tried there."""
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
