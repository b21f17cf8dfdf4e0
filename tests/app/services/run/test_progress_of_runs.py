"""Test the progress of runs, and the count of disturbed runs in a row."""

import itertools

import pytest
from play import Like
from staging import Make, Stage

from app.domain.run import StepRecord
from app.services.flow.events import Event, JobBegan, RunProgress, StepProgress, WaitingForQuiet
from app.services.projects.running import start_run
from app.services.records.run_records import read_end
from app.services.run.clock import FIRST_KINDS, RunClock
from app.services.run.progress import ProgressMeter

WAYS = {name: Like(p50_ms=1 + i / 10, seconds=3) for i, name in enumerate("ABCDEF")}


def progress_of(one: Stage) -> list[RunProgress]:
    return [event for event in one.events if isinstance(event, RunProgress)]


@pytest.mark.parametrize("limit_s", [None, 20.0, 60.0])
def test_progress_never_falls_and_always_has_a_stage(stage: Make, limit_s: float | None) -> None:
    """Given whole runs, with time for everything or for little, Then the share only rises and ends at 1, and every
    value has a stage."""
    one = stage(Like(p50_ms=4, seconds=3), WAYS, time_budget_s=limit_s)
    one.go()
    found = progress_of(one)
    shares = [progress.share for progress in found]
    assert shares == sorted(shares) and shares[-1] == 1.0 and max(shares[:-1]) < 1.0
    assert all(progress.stage for progress in found)


def test_progress_before_planning_counts_the_expected_versions(stage: Make) -> None:
    """Given the first steps done before the recipes are planned, Then they are a small part of the run."""
    one = stage(Like(p50_ms=4, seconds=3), WAYS)
    one.go()
    first = [progress.share for progress in progress_of(one) if progress.step in (1, 2)]
    assert max(first) < 0.2


@pytest.fixture
def meter() -> ProgressMeter:
    """Return a meter with a clock that advances by 0.1 s per reading; the original, one version, the final run and the
    proof are planned."""
    clock = RunClock(itertools.count(0.1, 0.1).__next__)
    clock.kinds = (*FIRST_KINDS, "version", "final", "proof")
    meter = ProgressMeter(clock)
    after(meter, *(step(n, title, "waiting") for n, title in enumerate("abcAFP")))
    return meter


def after(meter: ProgressMeter, *events: Event) -> RunProgress:
    for event in events:
        meter.update(event)
    return meter.now


def step(index: int, title: str, state: str) -> StepRecord:
    return StepRecord("r", index, title, state)


def test_stage_between_two_steps_names_the_job(meter: ProgressMeter) -> None:
    """Given no running step and a job that plans, Then that is the stage."""
    now = after(
        meter, step(0, "Check", "running"), step(0, "Check", "done"), JobBegan("j", "plan", "Choose what to try")
    )
    assert (now.stage, now.step) == ("Choosing what to try", None)


def test_stage_names_the_other_computer(meter: ProgressMeter) -> None:
    """Given jobs on another computer and here, Then the stage names that computer, and this one is not named."""
    after(meter, step(0, "Check", "running"), step(0, "Check", "done"))
    assert after(meter, JobBegan("j", "describe", "Look", computer="pi")).stage == "Looking at pi"
    after(meter, step(3, "A", "running"))
    stages = [after(meter, JobBegan("j", "measure", "A", 3, computer)).stage for computer in ("pi", "")]
    assert stages == ["A: measuring its speed on pi", "A: measuring its speed"]


def test_share_grows_over_the_jobs_of_a_step(meter: ProgressMeter) -> None:
    """Given a version that is made, measured, predicted and judged, Then each job continues where the one before
    ended."""
    after(meter, step(3, "A", "running"))
    shares = []
    for kind in ("apply", "measure", "summarize", "answer", "judge"):
        for event in (JobBegan("j", kind, "A"), *(StepProgress(3, "x", done, 100, "", None) for done in (50, 1))):
            shares.append(after(meter, event).share)  # a stage begins anew
    assert shares == sorted(shares) and len(set(shares)) > 8
    assert meter.now.stage == "A: comparing its answers"


def test_building_an_engine_is_named_and_moves_the_share(meter: ProgressMeter) -> None:
    """Given a version that was made, When its engine is built, Then the stage names that, and its share grows."""
    after(meter, *(step(n, "x", "done") for n in range(3)), step(3, "A", "running"))
    after(meter, JobBegan("j", "apply", "A"), JobBegan("k", "apply", "A"))
    engine = [StepProgress(3, "Build", done, 100, "%", None, stage_id="engine") for done in (0, 40, 80)]
    shares = [after(meter, event).share for event in engine]
    assert shares == sorted(shares) and len(set(shares)) == 3
    assert meter.now.stage == "A: building its engine"
    assert after(meter, JobBegan("l", "answer", "A")).stage == "A: answering examples"


def test_remaining_time_follows_measurements(meter: ProgressMeter) -> None:
    """Given a version that took 8 s, Then waiting steps are expected from that, within the limit; a running final run
    and proof count with their own estimate."""
    clock = meter._clock
    clock.elapsed = lambda: 10.0
    first = [step(n, "x", "done") for n in range(3)]
    assert after(meter, *first, step(3, "A", "running")).remaining_s is None
    clock.record_step("version", 8.0)
    _, _, _, version_s, final_s, proof_s = clock.steps_s
    assert version_s == 8.0
    assert after(meter, StepProgress(3, "x", 1, 4, "", 30.0)).remaining_s == 0.75 * 8.0 + final_s + proof_s
    after(meter, step(3, "A", "done"), step(4, "Final", "running"))
    assert after(meter, StepProgress(4, "x", 1, 4, "", 27.0)).remaining_s == 27.0 + proof_s
    assert after(meter, step(4, "Final", "done"), step(5, "Proof", "running")).remaining_s == proof_s
    clock.set_limit(12.0)
    now = after(meter, StepProgress(5, "x", 1, 4, "", 30.0))
    assert (now.remaining_s, now.left_s) == (2.0, 2.0) and now.share >= 10 / 12


def test_disturbed_runs_in_a_row_are_counted(stage: Make) -> None:
    """Given two runs that other programs leave without a verdict and a quiet one after them, Then the first two count 1
    and 2 with the names of the programs, and the third none."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    one.change(fresh=True)
    tries = []
    for share in (0.4, 0.4, 0.0):
        one.play.waited_share, one.play.agreed_low = share, 0.98
        recorder, flow = start_run(one.space, one.request, one.events.append)
        recorder.watch(WaitingForQuiet(share, 0.0, is_over=True, disturbed_by=("browser",) if share else ()))
        one.play.run(flow)
        end = read_end(one.space.repositories, recorder.run.id)
        tries.append((end.busy_tries, end.disturbed_by))
    assert tries == [(1, ("browser",)), (2, ("browser",)), (0, ())]
