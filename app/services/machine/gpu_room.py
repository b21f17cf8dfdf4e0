"""What a model needs of a GPU's memory at the least, beside what is free there: said before a run."""

from dataclasses import dataclass

from app.services.flow.steps import Flow
from app.services.machine.gpu_doctor import look_for_cards
from workers.contracts.gpu import GpuCard

CONTEXT_BYTES = 300_000_000
"""A context of CUDA with its libraries' kernels takes that much at least, before any model is there."""


@dataclass(frozen=True)
class GpuRoom:
    """`need_bytes` are a lower bound: the context and the weights; what a request needs between its layers comes on
    top. `free_bytes` is None where the card does not tell."""

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


def room_words(room: GpuRoom) -> str:
    """One sentence; where it cannot fit, what to do instead."""
    name, need = room.card.name, f"{room.need_bytes / 1e9:.1f} GB"
    if room.free_bytes is None:
        return f"{name}: this model needs {need} of its memory at the least; the card does not tell how much is free."
    there = f"{room.free_bytes / 1e9:.1f} of {room.card.memory_bytes / 1e9:.1f} GB"
    told = f"{name}: {there} are free, and this model needs {need} at the least."
    if not room.is_short:
        return told
    return f"{told} It does not fit: close other programs that use the card, or let the processor do it (--device cpu)."
