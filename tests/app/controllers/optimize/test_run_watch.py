"""Tests of the values of the page Optimize for one run."""

import time
from dataclasses import replace

import pytest
from records import judgement, run, variant

from app.controllers.optimize.live_run import LiveRun
from app.controllers.optimize.run_watch import RunWatch
from app.domain.run import RunState, StepRecord
from app.domain.variant import LatencyPoint, Screening
from app.services.flow.events import JobBegan, RunProgress, StepProgress, WaitingForQuiet
from workers.contracts.translation import set_language


def step(index: int, title: str, state: str, **more: object) -> StepRecord:
    return StepRecord("r1", index, title, state, variant_index=index - 2 if 2 <= index <= 5 else None, **more)


def watched() -> RunWatch:
    """Return a run whose original and first version are done, whose next version runs, and whose other steps wait."""
    watch = RunWatch(run(1, RunState.RUNNING, seconds=None), started_s=100.0)
    watch.step(step(0, "Check the model", "done", detail="image-classification", started_s=0.0, seconds=1.0))
    watch.step(step(1, "Read the examples", "done", started_s=1.0, seconds=1.0))
    watch.step(step(2, "Measure the original", "done", figure="2 ms", started_s=2.0, seconds=4.0))
    watch.step(step(3, "Version 1", "done", started_s=6.0, seconds=8.0))
    watch.step(step(4, "Version 2", "running", started_s=14.0))
    watch.step(step(5, "Version 3", "waiting"))
    watch.step(step(6, "Final run, side by side", "waiting"))
    watch.step(step(7, "Prove the answers", "waiting"))
    watch.latencies([LatencyPoint("v0", at, 2.0) for at in (3.0, 4.0)])
    watch.variant(variant(0, state="measured"))
    watch.latencies([LatencyPoint("v1", at, 1.0) for at in (10.0, 12.0)])
    watch.variant(variant(1, p50_ms=1.0, speedup=2.0, state="measured"))
    return watch


def test_steps_have_words_figures_and_times() -> None:
    """Given steps, then tasks are described in words, and figure, color and measured time are those of the version."""
    first, _, original, one, *_ = watched().value().steps
    assert first.detail == "classifies pictures"
    assert (original.figure, original.series, original.measured_s) == ("2 ms", 0, (3.0, 4.0))
    assert (one.series, one.measured_s, one.start_s, one.end_s) == (1, (10.0, 12.0), 6.0, 14.0)


def live_run() -> LiveRun:
    """Return an active run with the steps of `watched`."""
    live = LiveRun(run(1, RunState.RUNNING, seconds=None))
    live.watch = watched()
    return live


STEPS_S = (1.0, 1.0, 4.0, 8.0, 8.0, 8.0, 30.0, 2.0)


def expect(live: LiveRun, remaining_s: float = 48.0, **more: object) -> None:
    live.observe(RunProgress(0.3, "x", remaining_s=remaining_s, steps_s=STEPS_S, **more))


def test_waiting_steps_have_expected_times() -> None:
    """Given the expected time of each step, then the waiting steps follow the running one."""
    live = live_run()
    assert live.watch.value().remaining_s is None
    expect(live)
    value = live.watch.value()
    *_, running, waiting, final, proof = value.steps
    assert running.state == "running" and running.end_s is None
    assert (waiting.start_s, waiting.end_s) == (22.0, 30.0)
    assert (final.start_s, final.end_s, proof.start_s, proof.end_s) == (30.0, 60.0, 60.0, 62.0)
    assert value.remaining_s == 48.0


def test_run_that_has_just_begun_has_no_expected_times() -> None:
    """Given a run that has just begun, then no expected time is shown."""
    watch = RunWatch(run(1, RunState.RUNNING, seconds=None), started_s=0.0)
    watch.step(step(0, "Check the model", "running", started_s=0.0))
    watch.step(step(1, "Read the examples", "waiting"))
    value = watch.value()
    assert value.remaining_s is None and value.steps[1].start_s is None


def test_progress_belongs_to_the_running_step() -> None:
    """Given progress, then the running step shows it until the step ends."""
    watch = watched()
    watch.progress(StepProgress(4, "Calibration", 50, 200, "pictures", 9.0))
    running = watch.value().steps[4]
    assert (running.detail, running.done_share, running.remaining_s) == ("Calibration", 0.25, 9.0)
    watch.progress(StepProgress(4, "Version 2", 50, 200, "blocks", 9.0, says_more=False))
    assert watch.value().steps[4].detail == "", "a step's name does not stand twice"
    watch.step(step(4, "Version 2", "done", started_s=14.0, seconds=5.0))
    assert watch.value().steps[4].done_share is None


def test_next_job_of_step_clears_progress_of_the_job_before() -> None:
    """Given the finished first job of a step, when the step's next job begins, then the previous progress is cleared."""
    live = live_run()
    live.observe(StepProgress(4, "Comparing answers", 40, 40, "examples", 1.0))
    assert (live.watch.value().steps[4].detail, live.watch.value().steps[4].remaining_s) == ("Comparing answers", 1.0)
    live.observe(JobBegan("j2", "measure", "Version 2", 4))
    step = live.watch.value().steps[4]
    assert (step.detail, step.done_share, step.remaining_s) == ("", None, None)


def test_wait_for_an_idle_computer_is_shown() -> None:
    """Given a run that waits for other programs, then their share is shown until the wait ends."""
    live = LiveRun(run(1, RunState.RUNNING, seconds=None))
    live.observe(WaitingForQuiet(None, 60.0))
    assert "idle" in live.watch.value().waiting
    live.observe(WaitingForQuiet(0.85, 40.0))
    assert "85" in live.watch.value().waiting and "40 s" in live.watch.value().waiting
    live.observe(WaitingForQuiet(0.85, 0.0, is_over=True))
    assert live.watch.value().waiting == ""


def test_a_run_that_goes_on_tells_the_most_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a run that continues for five minutes and whose first steps come from the store, then the remaining time
    falls with the clock. The remaining time of a first run never exceeds its limit."""
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    live = live_run()
    expect(live, left_s=300.0, goes_on=True)
    assert (live.watch.value().remaining_s, live.watch.value().eta_is_most) == (300.0, True)
    clock[0] += 107.0
    assert live.watch.value().remaining_s == 193.0
    expect(live, left_s=20.0)
    assert (live.watch.value().remaining_s, live.watch.value().eta_is_most) == (20.0, False)
    expect(live, left_s=200.0)
    assert live.watch.value().remaining_s == 48.0


def test_steps_beyond_the_limit_have_no_expected_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given 3 s left of the limit and versions of 8 s, then no waiting step has an expected time. With 20 s left only
    the final run has one; with 60 s all have."""
    monkeypatch.setattr(time, "monotonic", lambda: 115.0)
    live = live_run()
    expect(live, left_s=3.0)
    value = live.watch.value()
    assert value.remaining_s == 3.0
    assert [step.start_s for step in value.steps[-3:]] == [None, None, None]
    expect(live, left_s=20.0)
    planned = [(step.start_s, step.end_s) for step in live.watch.value().steps[-3:]]
    assert planned == [(None, None), (22.0, 35.0), (None, None)]
    expect(live, left_s=60.0)
    planned = [(step.start_s, step.end_s) for step in live.watch.value().steps[-3:]]
    assert planned == [(22.0, 30.0), (30.0, 60.0), (60.0, 62.0)]


def test_best_version_without_test_is_called_untested() -> None:
    """Given a best version that was screened in calibration but not tested, then the sentence states that its answers
    are not tested yet; one that will hardly be within the limit is not the best."""
    watch = watched()
    for version, ms, changed in ((1, 1.0, 0), (2, 0.5, 4)):
        screened = Screening(n=36, changed=changed)
        watch.variant(variant(version, p50_ms=ms, state="measured", judgement=None, screening=screened))
    assert watch.value().best.startswith("Best so far: Version 1") and watch.value().best.endswith("not tested yet")


def test_best_version_is_within_the_limit() -> None:
    """Given a faster but regressed version, then the dashed line stays at the best version within the limit."""
    watch = watched()
    watch.latencies([LatencyPoint("v2", 20.0, 0.5)])
    watch.variant(variant(2, p50_ms=0.5, speedup=4.0, state="measured", judgement=judgement(verdict="regressed")))
    assert [(at_s, ms) for at_s, ms, _ in watch.best] == [(4.0, 2.0), (12.0, 1.0)]
    assert watch.value().best == "Best so far: Version 1, 1 ms; the original 2 ms. 199 of 200 answers the same"


def test_the_final_run_gives_each_version_its_one_time() -> None:
    """Given times that differ between the first measurement and the final run, then line, steps, names and sentence
    have the times of the final run."""
    watch = watched()
    assert (watch.value().steps[2].figure, watch.value().steps[3].figure) == ("2 ms", "1 ms")
    for index, p50_ms in ((0, 1.1), (1, 1.2)):
        watch.variant(variant(index, p50_ms=p50_ms, speedup=1.1 / p50_ms))
    assert [ms for _, ms, _ in watch.best] == [1.1]
    assert [value.figure for value in watch.value().steps[2:4]] == ["1.1 ms", "1.2 ms"]
    assert [label for _, label, _ in watch.series()[:2]] == ["Original 1.1 ms", "Version 1 1.2 ms"]
    assert watch.value().best == ""


def test_final_run_keeps_measured_times_of_steps() -> None:
    """Given a final run in which all versions take turns, then each step keeps the time of its first measurement."""
    watch = watched()
    watch.latencies([LatencyPoint(f"v{n // 3 % 2}", 40.0 + n, 1.0) for n in range(12)])
    assert watch.value().steps[2].measured_s == (3.0, 4.0)


def test_stored_run_has_its_dashed_line() -> None:
    """Given a finished run from the store, then the corners of its line are at the first measurement of each version."""
    watch = RunWatch(run(1))
    watch.latencies([LatencyPoint("v0", 3.0, 2.0), LatencyPoint("v1", 9.0, 1.0), LatencyPoint("v0", 30.0, 2.0)])
    for one in (variant(0), variant(1, p50_ms=1.0, speedup=2.0)):
        watch.variant(one)
    assert [(at_s, ms) for at_s, ms, _ in watch.best] == [(3.0, 2.0), (9.0, 1.0)]
    assert [label for _, label, _ in watch.series()] == ["Original 2 ms", "Version 1 1 ms"]


def test_phases_of_the_dock_are_on_its_clock() -> None:
    """Given a run that began at 100 s of the monotonic clock, then the starts of its steps are on that clock."""
    assert watched().phases_s == [100.0, 101.0, 102.0, 106.0, 114.0]


def test_interrupted_run_carries_how_it_ended() -> None:
    """Given runs that were closed, killed or not begun, then the page's value has the kind of their end."""
    closed = run(1, RunState.INTERRUPTED)
    kinds = [
        RunWatch(one).value().interruption
        for one in (
            replace(closed, started_at=closed.created_at, finished_at=closed.created_at),
            replace(closed, started_at=closed.created_at, finished_at=None),
            replace(closed, started_at=None, finished_at=None),
            run(1, RunState.CANCELLED),
        )
    ]
    assert kinds == ["closed", "broken_off", "not_begun", None]


def test_headline_of_a_finished_run_follows_the_language() -> None:
    """Given a run that kept its original, whose stored headline is English, When the window is French, Then its
    headline is French."""
    watch = RunWatch(run(1, RunState.KEPT_ORIGINAL, headline="Nothing faster was safe: keep the original"))
    watch.variant(variant(0, state="measured"))
    english = watch.value().headline
    set_language("fr")
    try:
        french = watch.value().headline
    finally:
        set_language("en")
    assert english and french and french != english
