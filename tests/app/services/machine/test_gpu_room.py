"""A model beside what is free on a card, before it is tried."""

import pytest

from app.services.machine.gpu_room import CONTEXT_BYTES, GpuRoom, room_for, room_words
from workers.contracts.gpu import GpuCard, GpuState, RungsResult

A = GpuCard(index=0, uuid="GPU-a", name="Card A", memory_bytes=24_000_000_000)
B = GpuCard(index=1, uuid="GPU-b", name="Card B", memory_bytes=8_000_000_000)
LOOKED = RungsResult(state=GpuState(), cards=(A, B), rungs=(), free_bytes={"GPU-a": 20_000_000_000})


def answered(index: int) -> GpuRoom | None:
    """What the flow gives when its one job has looked, on the card of this place."""

    class Done:
        result = LOOKED.model_copy(update={"index": index})

    flow = room_for(4_000_000_000)
    next(flow)
    with pytest.raises(StopIteration) as ended:
        flow.send(Done())
    room: GpuRoom | None = ended.value.value
    return room


def test_the_card_that_does_the_work_is_looked_at() -> None:
    """Given two cards, Then the room of that one counts on which jobs work, and no other's."""
    first, second = answered(0), answered(1)
    assert first is not None and (first.card, first.free_bytes) == (A, 20_000_000_000)
    assert second is not None and (second.card, second.free_bytes) == (B, None), "it does not tell"
    assert answered(2) is None


@pytest.mark.parametrize(("free_bytes", "is_short"), [(None, False), (4_000_000_000, True), (5_000_000_000, False)])
def test_what_cannot_fit_is_said(free_bytes: int | None, is_short: bool) -> None:
    """Given weights and what is free, Then only what is less than weights and context is called too little."""
    room = GpuRoom(A, CONTEXT_BYTES + 4_000_000_000, free_bytes)
    assert room.is_short == is_short
    assert ("--device cpu" in room_words(room)) == is_short
    assert "4.3 GB" in room_words(room)
