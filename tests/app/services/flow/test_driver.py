"""The driver with real processes: results, failures, cancel, limits, and the folders that are kept or removed."""

import dataclasses
import errno
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from flows import codes, go, refusal
from small_jobs import Values, one, step, until
from stopwatch import Stopwatch

from app.domain.job import JobRecord
from app.jobs.interleaving import Pace
from app.services.flow import quiet
from app.services.flow.artifacts import ArtifactStore
from app.services.flow.driver import Driver
from app.services.flow.events import (
    Event,
    JobBegan,
    JobEnded,
    LatenciesMeasured,
    MeasuringChanged,
    MemoryUsed,
    StepProgress,
    WaitingForQuiet,
    ignore,
)
from app.services.flow.quiet import OtherPrograms, QuietBudget
from app.services.flow.steps import (
    Flow,
    FlowCancelled,
    JobError,
    JobStep,
    Measured,
    MeasuredVariant,
    MeasureStep,
)
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.run.clock import bounded
from workers.contracts.jobs import MeasureParams
from workers.contracts.process.messages import Limits


def history(space: Workspace) -> list[JobRecord]:
    return list(reversed(space.repositories.jobs.list()))


def folders(space: Workspace) -> list[Path]:
    return list(space.jobs.iterdir()) if space.jobs.is_dir() else []


def test_a_result_comes_back_and_the_folder_goes(space: Workspace) -> None:
    """Given a job, when it is driven, then its result is handed to the flow, its folder is gone, history knows it."""
    events: list[Event] = []
    done = go(space, one(step("echo", {"a": 1}, seed=7)), events.append)
    assert done.result.values["a"] == 1
    assert done.result.values["seed"] == 7
    assert (done.key, done.cached) == ("", False)
    assert folders(space) == []
    assert [type(e) for e in events if not isinstance(e, MemoryUsed)] == [JobBegan, StepProgress, JobEnded]
    record = history(space)[0]
    assert (record.kind, record.state, record.error_json) == ("echo", "finished", None)
    assert record.finished_at is not None


def test_loop_sleeps_while_a_job_works(space: Workspace) -> None:
    """Given a job that works for two seconds, When a loop drives it, Then the loop turns at most 25 times a second, also
    while the process ends."""
    turns: list[None] = []
    watch = Stopwatch()
    run_to_end(Driver(space, one(step("sleep", {"seconds": 2})), ignore), lambda: turns.append(None))
    assert watch.seconds > 2.0 and len(turns) < 25 * watch.seconds


def test_cached_step_comes_from_the_store_the_second_time(space: Workspace) -> None:
    """Given a cached step, When it is requested twice, Then one process ran, and both results have the same folder."""
    events: list[Event] = []
    first, second = [go(space, one(step("echo", {"a": 1}, cache=True)), events.append) for _ in range(2)]
    assert (first.cached, second.cached) == (False, True)
    assert first.folder == second.folder
    assert (second.folder / "out.txt").read_text() == "made"
    assert first.result == second.result
    assert sum(isinstance(event, JobBegan) for event in events) == 1
    kept = space.repositories.artifacts.get(str(first.key))
    assert kept.kind == "echo"
    assert kept.size_bytes > 0
    assert '"a": 1' in kept.made_by_json


def test_any_number_of_cached_steps_is_passed_on(space: Workspace) -> None:
    """Given more cached steps in a row than the recursion limit, Then all are passed on."""

    def flow() -> Flow[int]:
        yield step("echo", {"a": 1}, cache=True)
        for _ in range(400):
            yield step("echo", {"a": 1}, cache=True)
        return 400

    assert go(space, flow()) == 400


def test_requested_folder_stays(space: Workspace) -> None:
    """Given a step that keeps its folder, Then it stays until the caller removes it."""
    done = go(space, one(step("echo", keep_folder=True)))
    assert (done.folder / "out.txt").is_file()
    assert folders(space) == [done.folder]


ENDS = [("refuse", "no_good", 3), ("segv", "native_crash", 1), ("kill", "killed", 1), ("raise", "internal", 1)]


@pytest.mark.parametrize(("how", "code", "exit_code"), ENDS, ids=[row[0] for row in ENDS])
def test_failed_job_is_reported_and_the_next_one_runs(space: Workspace, how: str, code: str, exit_code: int) -> None:
    """Given a job that fails, crashes or is killed, Then the flow gets the error, and may continue with another job."""

    def flow() -> Flow[tuple[JobError, Values]]:
        try:
            yield step("misbehave", {"how": how}, cache=True)
        except JobError as error:
            after = yield from one(step("echo", {"next": True}))
            return error, after.result
        raise AssertionError("it did not fail")

    error, after = go(space, flow())
    assert (error.error.code, error.exit_code) == (code, exit_code)
    assert error.error.detail
    assert error.error.hint
    assert after.values["next"] is True
    assert folders(space) == []
    assert list(space.paths.store.iterdir()) == []
    states = [record.state for record in history(space)]
    assert states == ["failed" if how in ("refuse", "raise") else "crashed", "finished"]


def test_job_beyond_its_memory_limit_is_stopped_and_reported(space: Workspace) -> None:
    """Given a job that takes more memory than it may, Then it is stopped and reported, and the next job runs."""

    def flow() -> Flow[str]:
        try:
            yield step("misbehave", {"how": "memory"}, limits=Limits(memory_bytes=200 << 20))
        except JobError as error:
            yield step("echo")
            return error.error.code
        return ""

    assert go(space, flow()) == "out_of_memory"
    assert [record.state for record in history(space)] == ["failed", "finished"]  # it was ended, it did not crash


def test_the_persons_memory_limit_reaches_the_job(space: Workspace) -> None:
    """Given a memory limit of the person, When a step with the default limit takes more, Then it is stopped."""
    limited = dataclasses.replace(space, memory_limit=lambda: 200 << 20)
    assert refusal(go, limited, one(step("misbehave", {"how": "memory"}))).error.code == "out_of_memory"


@pytest.mark.parametrize(
    ("own", "persons", "held"),
    [
        (Limits().memory_bytes, None, Limits().memory_bytes), (Limits().memory_bytes, 1 << 30, 1 << 30),
        (Limits().memory_bytes, 64 << 30, 64 << 30), (None, 1 << 30, 1 << 30), (None, None, None),
        (1 << 30, 64 << 30, 1 << 30), (1 << 30, 1 << 29, 1 << 29),
    ],
)  # fmt: skip
def test_limit_of_the_person_replaces_the_default(
    space: Workspace, own: int | None, persons: int | None, held: int | None
) -> None:
    """Given limits of a step and of the person, Then the default is replaced, and a tighter limit of a step stays."""
    limited = dataclasses.replace(space, memory_limit=lambda: persons)
    assert limited.limited(Limits(memory_bytes=own)).memory_bytes == held


def test_bounded_step_is_stopped_at_its_end(space: Workspace) -> None:
    """Given a bounded step, When it takes longer, Then it is stopped with a time limit error."""
    slow = bounded(step("sleep", {"seconds": 3600}), 0.5)
    assert isinstance(slow, JobStep)
    assert refusal(go, space, one(slow)).error.code == "time_limit"


def check_cancel(space: Workspace, flow: Flow[Any], begun: type[Event]) -> None:
    """Cancel the flow at its first event of this type, and check that it ends and leaves nothing."""
    seen: list[Event] = []
    driver = Driver(space, flow, seen.append)
    until(driver, lambda: any(isinstance(event, begun) for event in seen))
    driver.cancel()
    driver.cancel()
    until(driver, lambda: driver.finished)
    assert isinstance(driver.error, FlowCancelled)
    assert folders(space) == []
    assert history(space)[0].state == "cancelled"


@pytest.mark.parametrize("polite", [True, False])
def test_cancel_ends_a_job(space: Workspace, polite: bool) -> None:
    """Given a job that checks for a cancel or does not, When it is cancelled, Then the flow is cancelled and its
    folder is gone."""
    check_cancel(space, one(step("sleep", {"seconds": 3600, "polite": polite})), StepProgress)


def test_interrupt_ends_the_process_and_the_flow(space: Workspace) -> None:
    """Given a running job, When the driver is interrupted, Then the process is gone and the flow has ended."""
    ended = []

    def flow() -> Flow[None]:
        try:
            yield step("sleep", {"seconds": 3600})
        except GeneratorExit:
            ended.append(True)
            raise

    driver = Driver(space, flow(), ignore)
    driver.tick()
    driver.interrupt()
    assert ended == [True]
    assert driver.finished
    assert not driver.tick()
    assert folders(space) == []
    assert history(space)[0].state == "interrupted"


def test_failing_observer_ends_the_flow(space: Workspace) -> None:
    """Given an observer that raises, Then the flow ends with its error and nothing runs on."""

    def observe(event: Event) -> None:
        if isinstance(event, StepProgress):
            raise ValueError("the database is gone")

    driver = Driver(space, one(step("sleep", {"seconds": 3600})), observe)
    with pytest.raises(ValueError, match="database is gone"):
        run_to_end(driver)
    assert folders(space) == [] or not any(folder.iterdir() for folder in folders(space))


def raise_full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("where", ["new_job", "adopt"])
def test_a_full_disk_reaches_the_flow(space: Workspace, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Given no room for a job's folder or for its result, Then the flow gets an error with exit code 6."""
    monkeypatch.setattr(Workspace if where == "new_job" else ArtifactStore, where, raise_full)
    assert codes(go, space, one(step("echo", cache=True))) == ("disk_full", 6)
    assert folders(space) == []


def measuring(*request_s: float, until_s: float | None = None, sets: int = 2) -> MeasureStep:
    """Return a measurement of variants 0, 1, … with these request times."""
    variants = tuple(
        MeasuredVariant(
            str(number), MeasureParams(model_dir="", data_dir="", runtime="x", settings={"request_s": seconds}), ()
        )
        for number, seconds in enumerate(request_s)
    )
    return MeasureStep(variants, title="Measure", sets=sets, pace=Pace(1, 5, 4.0, 2), threads=1, until_s=until_s)


def measure(measurement: MeasureStep) -> Flow[Measured]:
    measured: Measured = yield measurement
    return measured


def test_a_measurement_waits_for_quiet_until_a_person_skips_it(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given other programs that use 85 %, Then the measurement waits; when the wait is skipped, Then it measures."""
    monkeypatch.setattr(OtherPrograms, "share", lambda self: 0.85)
    monkeypatch.setattr(quiet, "LOOK_S", 0.05)
    patience, seen = QuietBudget(), list[Event]()
    step = dataclasses.replace(measuring(0.001), quiet=patience.part(60.0, None))
    driver = Driver(space, measure(step), seen.append)
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        assert driver.tick() and driver.waits_for_quiet and driver.pids == []
        time.sleep(0.01)
    shares = {event.busy_share for event in seen if isinstance(event, WaitingForQuiet)}
    assert 0.85 in shares and not any(isinstance(event, MeasuringChanged) for event in seen)
    driver.skip_wait()
    assert run_to_end(driver).failures == (None,) and not driver.waits_for_quiet
    kinds = [type(event) for event in seen if isinstance(event, (WaitingForQuiet, MeasuringChanged))]
    assert kinds[-3:] == [WaitingForQuiet, MeasuringChanged, MeasuringChanged]
    assert patience.left_s == 0.0


def test_timed_process_has_normal_priority(space: Workspace) -> None:
    """Given a timed block, Then its process has the priority of the person's programs, which would otherwise delay
    it."""
    driver = Driver(space, measure(measuring(0.3)), ignore)
    try:
        until(driver, lambda: driver.is_timing)
        assert [psutil.Process(pid).nice() for pid in driver.pids] == [psutil.Process().nice()]
    finally:
        driver.interrupt()


def test_a_wait_can_be_cancelled(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a waiting measurement, When it is cancelled, Then the flow ends at once and no process was started."""
    monkeypatch.setattr(OtherPrograms, "share", lambda self: 0.85)
    driver = Driver(space, measure(dataclasses.replace(measuring(0.001), quiet=QuietBudget().part(60.0, None))), ignore)
    assert driver.tick() and driver.waits_for_quiet
    driver.cancel()
    with pytest.raises(FlowCancelled):
        run_to_end(driver)
    assert [record.state for record in history(space)] == ["cancelled"]


@pytest.mark.whole
def test_measurement_of_two_variants_reports_all_latencies(space: Workspace) -> None:
    """Given two variants, When they are measured, Then each has its sets of times, and every latency was reported."""
    seen: list[Event] = []
    measured = go(space, measure(measuring(0.001, 0.002)), seen.append)
    assert [[len(one_set) for one_set in sets] for sets in measured.latencies_ms] == [[10, 10], [10, 10]]
    assert measured.failures == (None, None)
    assert [len(results) for results in measured.results] == [2, 2]
    assert measured.busy_share == 0.25
    assert measured.seconds > 0.1
    points = [point for event in seen if isinstance(event, LatenciesMeasured) for point in event.points]
    assert {point.variant_id for point in points} == {"0", "1"}
    assert len(points) == 40
    assert [event.measuring for event in seen if isinstance(event, MeasuringChanged)] == [True, False]
    assert folders(space) == []
    assert [(record.kind, record.state) for record in history(space)] == [("measure", "finished")]


def test_variant_that_cannot_be_measured_does_not_stop_others(space: Workspace) -> None:
    """Given a variant that the runtime refuses, Then it has a failure, and the other one has its times."""
    measured = go(space, measure(measuring(0.001, -1)))
    assert measured.failures[0] is None
    assert measured.failures[1].code == "model_does_not_run"
    assert len(measured.latencies_ms[0]) == 2


@pytest.mark.whole
def test_a_measurement_ends_with_its_time(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a long measurement, When its time is up after a set of both, Then the sets of both so far count."""
    seen: list[Event] = []
    step = measuring(0.001, 0.001, until_s=time.monotonic() + 3600, sets=1000)
    driver = Driver(space, measure(step), seen.append)
    until(driver, lambda: sum(isinstance(event, LatenciesMeasured) for event in seen) > 2 * step.pace.blocks)
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 3600)
    monkeypatch.setattr("app.services.flow.measuring.time", later)
    measured = run_to_end(driver)
    assert measured.failures == (None, None)
    assert 1 <= len(measured.latencies_ms[0]) == len(measured.latencies_ms[1]) < step.sets
    assert folders(space) == []


def test_measurement_without_time_fails_with_the_time_limit(space: Workspace) -> None:
    """Given no time for a single block, Then every variant has the time limit as its failure."""
    measured = go(space, measure(measuring(5, until_s=time.monotonic() + 1)))
    assert [failure.code if failure else None for failure in measured.failures] == ["time_limit"]
    assert measured.latencies_ms == ((),)


def test_cancel_ends_a_measurement(space: Workspace) -> None:
    """Given a running measurement, When it is cancelled, Then all its processes are gone."""
    check_cancel(space, measure(measuring(0.02, 0.02, sets=5000)), LatenciesMeasured)
