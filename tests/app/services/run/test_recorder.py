"""Test what a run records and reports while it executes."""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from play import Like
from staging import Make

from app.domain.run import Goal, IllegalTransition, Run, RunState, StepRecord
from app.domain.variant import LatencyPoint, Variant
from app.persistence.errors import StoreUnusable
from app.services.flow.events import Event, JobBegan, JobEnded, LatenciesMeasured, LogLine
from app.services.flow.steps import Flow
from app.services.flow.workspace import JobHistory, Workspace
from app.services.projects.projects import new_run, project_for
from app.services.run.recorder import Recorder
from app.services.run.run_steps import recorded
from workers.contracts.error_info import ErrorInfo
from workers.contracts.specs import Recipe

ERROR = ErrorInfo(code="x", title="Broken", detail="It is broken.", hint="Bring another.")


@pytest.fixture
def seen() -> list[Event]:
    return []


@pytest.fixture
def recorder(space: Workspace, seen: list[Event]) -> Recorder:
    project = project_for(space.repositories, Path("/m.onnx"))
    run = new_run(space.repositories, project, Goal("balanced", 1.0))
    return Recorder(space.repositories, project, run, seen.append)


def variant(run_id: str) -> Variant:
    return Variant("v1", run_id, 0, "Original", Recipe(title="Original"), "onnxruntime-cpu", "fp32", "planned")


def test_begin_and_end_are_stored_and_reported(space: Workspace, recorder: Recorder, seen: list[Event]) -> None:
    """Given a run, When it begins and ends, Then database and observer know both, with its seconds."""
    recorder.begin()
    assert space.repositories.runs.get(recorder.run.id).state is RunState.RUNNING
    recorder.end(RunState.FINISHED, headline="Done", recommended_variant_id=None)
    stored = space.repositories.runs.get(recorder.run.id)
    assert (stored.state, stored.headline) == (RunState.FINISHED, "Done")
    assert stored.seconds is not None
    assert stored.finished_at is not None
    assert [event.state for event in seen if isinstance(event, Run)] == [RunState.RUNNING, RunState.FINISHED]
    with pytest.raises(IllegalTransition):
        recorder.end(RunState.CANCELLED)


def test_break_off_restores_the_earlier_result(space: Workspace, recorder: Recorder) -> None:
    """Given a resumed run with a result, When it is broken off, Then state, headline and seconds are as before."""
    recorder.begin()
    recorder.end(RunState.KEPT_ORIGINAL, headline="Nothing")
    result = space.repositories.runs.get(recorder.run.id)
    recorder.begin()
    assert space.repositories.runs.get(recorder.run.id).state is RunState.RUNNING
    recorder.break_off(RunState.CANCELLED, "Cancelled")
    assert space.repositories.runs.get(recorder.run.id) == result


@pytest.mark.parametrize(
    ("state", "step_state"),
    [(RunState.FAILED, "failed"), (RunState.CANCELLED, "skipped"), (RunState.FINISHED, "skipped")],
)
def test_steps_are_closed_with_the_run(space: Workspace, recorder: Recorder, state: RunState, step_state: str) -> None:
    """Given a running and a waiting step, When the run ends, Then none of them stays open."""
    recorder.begin()
    recorder.plan_steps(["A", "B", "C"], ("open", "read", "original"))
    recorder.step(0, state="running")
    recorder.step(0, state="done", figure="1 ms")
    recorder.step(1, state="running")
    recorder.end(state, headline="Over")
    steps = {step.title: step for step in space.repositories.runs.steps(recorder.run.id)}
    assert {title: step.state for title, step in steps.items()} == {"A": "done", "B": step_state, "C": "skipped"}
    assert steps["A"].started_s is not None
    assert steps["A"].seconds is not None
    assert steps["C"].started_s is None


def test_end_that_cannot_be_written_is_neither_stored_nor_reported(
    space: Workspace, recorder: Recorder, seen: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an end whose last part cannot be written, Then nothing of it is stored or reported."""
    recorder.begin()
    recorder.plan_steps(["A", "B"], ("open", "read"))
    before, report = space.repositories.runs.steps(recorder.run.id), len(seen)

    def full(run: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(space.repositories.runs, "update", full)
        recorder.end(RunState.CANCELLED)
    assert space.repositories.runs.steps(recorder.run.id) == before and len(seen) == report
    assert space.repositories.runs.get(recorder.run.id).state is RunState.RUNNING


def test_recorded_run_whose_closing_commit_fails_reports_the_full_disk(
    space: Workspace, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a disk that is full when a run is closed, Then that is the error, and the run is not finished."""
    full = StoreUnusable("disk_full", space.paths.database, "The disk is full.", "Free some space.")
    together = space.repositories.together

    @contextmanager
    def failing() -> Iterator[None]:
        with together():
            yield
            raise full

    def work() -> Flow[None]:
        recorder.plan_steps(["A"], ("open",))
        recorder.step(0, state="running")
        monkeypatch.setattr(space.repositories, "together", failing)
        recorder.end(RunState.FINISHED, headline="Done")
        yield from ()

    with pytest.raises(StoreUnusable) as failed:
        next(recorded(recorder, 1, work()))
    assert failed.value is full
    assert (recorder.run.state, recorder.steps[0].state) == (RunState.RUNNING, "running")
    monkeypatch.setattr(space.repositories, "together", together)
    recorder.end(RunState.FAILED)
    assert space.repositories.runs.get(recorder.run.id).state is RunState.FAILED


def test_latencies_are_stored_in_seconds_of_the_run(space: Workspace, recorder: Recorder, seen: list[Event]) -> None:
    """Given latencies with the clock's time, Then they are stored and reported in seconds since the run's start."""
    recorder.variant(variant(recorder.run.id))
    recorder.watch(LatenciesMeasured((LatencyPoint("v1", time.monotonic(), 2.5),)))
    (point,) = space.repositories.latencies.of_run(recorder.run.id)
    assert 0 <= point.at_s < 5
    assert point.latency_ms == 2.5
    assert [event.points[0] for event in seen if isinstance(event, LatenciesMeasured)] == [point]


def test_variant_has_one_record_with_its_newest_state(space: Workspace, recorder: Recorder) -> None:
    """Given a variant that changes, Then there is one record with its newest state, also for a resumed run."""
    recorder.variant(variant(recorder.run.id))
    recorder.variant(dataclasses.replace(recorder.variants["v1"], state="measured"))
    assert [v.state for v in space.repositories.variants.list(run_id=recorder.run.id)] == ["measured"]
    again = Recorder(space.repositories, recorder.project, recorder.run, lambda event: None)
    assert again.variants["v1"].state == "measured"


def test_jobs_belong_to_the_run(space: Workspace, recorder: Recorder) -> None:
    """Given a job that begins during a run, Then the history knows its run and its end."""
    history = JobHistory(space)
    history.began("j1", "apply", "INT8", "cpu")
    recorder.watch(JobBegan("j1", "apply", "INT8"))
    history.ended("j1", "failed", ERROR, space.paths.logs / "j1.log")
    (record,) = space.repositories.jobs.list(run_id=recorder.run.id)
    assert (record.state, record.log_path) == ("failed", "logs/j1.log")
    assert "Bring another." in (record.error_json or "")
    history.ended("never begun", "finished")


def test_error_of_a_job_is_logged(recorder: Recorder, seen: list[Event]) -> None:
    """Given a job that failed, Then the observer also gets a line of the log."""
    recorder.watch(JobEnded("j1", ERROR))
    assert [event.text for event in seen if isinstance(event, LogLine)] == ["Broken: It is broken."]


def test_plan_steps_keeps_known_steps(recorder: Recorder, seen: list[Event]) -> None:
    """Given a step that is done, When more steps are planned, Then it stays done."""
    recorder.plan_steps(["A"], ("open",))
    recorder.step(0, state="done")
    recorder.plan_steps(["A", "B"], ("open", "read"))
    assert [recorder.steps[index].state for index in (0, 1)] == ["done", "waiting"]
    assert sum(isinstance(event, StepRecord) for event in seen) == 3


def test_reused_latencies_are_recorded_once_by_a_run_that_goes_on(
    space: Workspace, recorder: Recorder, seen: list[Event]
) -> None:
    """Given requests that an earlier run timed, When the run is interrupted and looks them up again, Then they are
    stored once, and new ones are added."""
    recorder.begin()
    recorder.variant(variant(recorder.run.id))
    recorder.resume_from("v1", [[2.5, 2.5], [3.0]])
    recorder.end(RunState.INTERRUPTED)
    recorder.begin()
    recorder.resume_from("v1", [[2.5, 2.5], [3.0]])
    assert [point.latency_ms for point in space.repositories.latencies.of_run(recorder.run.id)] == [2.5, 2.5, 3.0]
    recorder.resume_from("v1", [[2.5, 4.0]])
    assert len([*space.repositories.latencies.of_run(recorder.run.id)]) == 5


def test_run_reports_its_steps_and_no_error_of_a_dropped_version(stage: Make) -> None:
    """Given a run with a failing version, Then the observer receives each step, and no line of an error."""
    one = stage(Like(p50_ms=4), {"A": Like(fails_at="apply")})
    one.go()
    report = [event.title for event in one.events if isinstance(event, StepRecord) and event.state == "running"]
    assert report[:4] == ["Check the model", "Read the examples", "Measure the original", "A"]
    assert not [event for event in one.events if isinstance(event, LogLine) and event.level == "error"]


def test_too_few_examples_are_reported_before_the_measurements(stage: Make) -> None:
    """Given 100 examples and a limit of 1 %, which requires 321, Then that is logged before the original is
    measured."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    one.play.n_test = 100
    one.go()
    report = next(
        i for i, event in enumerate(one.events) if isinstance(event, LogLine) and "at least 321" in event.text
    )
    begun = {event.title: i for i, event in enumerate(one.events) if isinstance(event, StepRecord)
             if event.state == "running"}  # fmt: skip
    assert begun["Read the examples"] < report < begun["Measure the original"]
