"""How far a run is: one value that never falls and always names what is done."""

import pytest
from play import Like
from staging import Make, Stage

from app.domain.run import StepRecord
from app.services.flow.events import Event, JobBegan, RunProgress, RunProgressed, StepChanged, StepProgress
from app.services.run.progress import ProgressMeter

WAYS = {name: Like(p50_ms=1 + i / 10, seconds=3) for i, name in enumerate("ABCDEF")}


def told(one: Stage) -> list[RunProgress]:
    return [event.progress for event in one.events if isinstance(event, RunProgressed)]


@pytest.mark.parametrize("limit_s", [None, 20.0, 60.0])
def test_it_never_falls_and_always_says_what_is_done(stage: Make, limit_s: float | None) -> None:
    """Given whole runs, with time for everything or for little, Then the share only rises, ends at all of it, and every
    value has a stage."""
    one = stage(Like(p50_ms=4, seconds=3), WAYS, time_budget_s=limit_s)
    one.go()
    found = told(one)
    shares = [progress.share for progress in found]
    assert shares == sorted(shares) and shares[-1] == 1.0 and max(shares[:-1]) < 1.0
    assert all(progress.stage for progress in found)


def test_what_is_not_planned_yet_counts(stage: Make) -> None:
    """Given the first steps done before the ways are planned, Then that is a small part of the run, not two thirds."""
    one = stage(Like(p50_ms=4, seconds=3), WAYS)
    one.go()
    first = [progress.share for progress in told(one) if progress.step in (1, 2)]
    assert 0 < max(first) < 0.2


def took(meter: ProgressMeter, *events: Event) -> list[RunProgress]:
    for event in events:
        meter.take(event)
    return [meter.now]


def step(index: int, title: str, state: str) -> StepChanged:
    return StepChanged(StepRecord("r", index, title, state))


def test_jobs_between_two_steps_have_a_name() -> None:
    """Given no step at work and a job that chooses what to try, Then that is the stage."""
    meter = ProgressMeter(4)
    took(meter, step(0, "Check the model", "running"), step(0, "Check the model", "done"))
    (now,) = took(meter, JobBegan("j", "plan", "Choose what to try"))
    assert (now.stage, now.step) == ("Choosing what to try", None)


def test_parts_of_a_step_follow_each_other() -> None:
    """Given a version that is made, measured, asked and judged, Then each part goes on where the one before ended."""
    meter = ProgressMeter(1)
    steps = [step(n, title, "waiting") for n, title in enumerate(("Check", "Read", "Original", "A", "Final"))]
    took(meter, *steps, step(3, "A", "running"))
    shares = []
    for kind in ("apply", "measure", "summarize", "answer", "judge"):
        shares += [one.share for one in took(meter, JobBegan("j", kind, "A"))]
        shares += [one.share for one in took(meter, StepProgress(3, "x", 50, 100, "", None))]
        shares += [one.share for one in took(meter, StepProgress(3, "y", 1, 100, "", None))]  # a stage begins anew
    assert shares == sorted(shares) and len(set(shares)) > 8
    assert meter.now.stage == "A: comparing its answers"


def test_building_an_engine_is_named_and_moves_the_share() -> None:
    """Given a version that was made, when its engine is built, then that is what is said, and its share grows."""
    meter = ProgressMeter(1)
    took(meter, *(step(n, "x", "done") for n in range(3)), step(3, "A", "running"), JobBegan("j", "apply", "A"))
    took(meter, JobBegan("k", "apply", "A"))
    shares = [
        one.share
        for done in (0, 40, 80)
        for one in took(meter, StepProgress(3, "Build", done, 100, "%", None, stage_id="engine"))
    ]
    assert shares == sorted(shares) and len(set(shares)) == 3
    assert meter.now.stage == "A: building its engine"
    took(meter, JobBegan("l", "answer", "A"))
    assert meter.now.stage == "A: answering examples"
