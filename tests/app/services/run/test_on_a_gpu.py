"""Runs with versions on a GPU: a lost card or a full one ends its version, not the run, and room is told before."""

from typing import Any

import pytest
from play import Like
from staging import Make, recipes

from app.domain.run import RunState
from app.services.flow.events import LogLine
from workers.contracts.gpu import GpuCard, GpuState, RungsResult
from workers.contracts.planning import PlanResult
from workers.contracts.specs import Described

CARD = GpuCard(index=0, uuid="GPU-a", name="Card A", memory_bytes=8_000_000_000)


def on_card(make: Make, free_bytes: int, asked: tuple[str, ...] = (), **versions: Like) -> Any:
    """A run whose versions run on a card with so much free; a person may have `asked` for runtimes."""
    one = make(Like(p50_ms=4), versions, runtimes=asked)
    one.play.candidates = recipes(*versions, runtime="onnxruntime-cuda")
    looked = RungsResult(state=GpuState(), cards=(CARD,), rungs=(), free_bytes={"GPU-a": free_bytes})
    one.play._gpu_rungs_job = lambda step: (looked, one.play.root)
    described, root = one.play._describe_job(None)
    row = Described(id="onnxruntime-cuda", title="CUDA", available=True, group="cuda")
    found = described.model_copy(update={"runtimes": (*described.runtimes, row)})
    one.play._describe_job = lambda step: (found, root)
    return one


@pytest.mark.parametrize("code", ["gpu_lost", "gpu_out_of_memory"])
def test_the_next_version_goes_on(stage: Make, code: str) -> None:
    """Given a card that is lost, or full, in the middle of one version, Then that one is marked with the reason, and the
    next is tried and recommended."""
    one = on_card(stage, 8_000_000_000, A=Like(p50_ms=1, fails_at="answer", code=code), B=Like(p50_ms=2))
    run = one.go()
    assert run.state is RunState.FINISHED
    assert run.recommended_variant_id == one.variants["B"].id
    assert one.states["A"] == "failed"
    assert one.variants["A"].judgement is None, "it is never called safe"


@pytest.mark.parametrize(("free_bytes", "level"), [(1_000_000, "warning"), (8_000_000_000, "info")])
def test_room_is_told_before(stage: Make, free_bytes: int, level: str) -> None:
    """Given what is free on the card, Then it stands beside what the model needs; a warning only where it cannot fit."""
    one = on_card(stage, free_bytes, A=Like(p50_ms=2))
    one.go()
    said = [event for event in one.events if isinstance(event, LogLine) and CARD.name in event.text]
    assert [event.level for event in said] == [level]


@pytest.mark.parametrize("yes", [(), ("onnxruntime-cuda",)])
def test_what_cannot_fit_is_not_begun_without_a_yes(stage: Make, yes: tuple[str, ...]) -> None:
    """Given a card that is nearly full, Then versions for it are not tried and are listed with the reason, and it is said
    how to ask for them; who asked for the card has said yes, and they are tried."""
    one = on_card(stage, 1_000_000, yes, A=Like(p50_ms=2))
    run = one.go()
    said = " ".join(event.text for event in one.events if isinstance(event, LogLine))
    assert ("A" in one.variants) == bool(yes)
    assert ("unless you ask for it (--device cuda:0)" in said) == (not yes)
    dropped = PlanResult.model_validate_json(run.plan_json).dropped
    assert [row.reason.code for row in dropped if row.title == "A"] == ([] if yes else ["no_room_on_card"])
