"""What a run was expected to take is kept beside what it took, and the next forecast is better for it."""

import dataclasses
from datetime import UTC, datetime

import pytest
from play import Like
from staging import Make

from app.domain.forecast import Basis
from app.domain.project import Project
from app.domain.run import Goal, Run, RunState
from app.services.flow.events import LogLine
from app.services.flow.steps import FlowCancelled
from app.services.flow.workspace import Workspace
from app.services.run.forecasting import MOST_LEARNED_FROM, Forecasts, RunForecast, machine_name

BASIS = Basis(size_bytes=14_000_000, n_test=144, ways=4)
NOW = datetime(2026, 3, 4, tzinfo=UTC)


def add_runs(space: Workspace, count: int) -> None:
    """A project with runs "0", "1", …"""
    space.repositories.projects.add(Project("p", "P", "/m.onnx", "ab", NOW, NOW))
    run = Run("0", "p", Goal("balanced", 1.0), RunState.FINISHED, NOW)
    for number in range(count):
        space.repositories.runs.add(dataclasses.replace(run, id=str(number)))


def test_a_run_keeps_what_was_expected_and_what_came(stage: Make) -> None:
    """Given a run, then both forecasts stand beside its time, and the better one was told while it ran."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    one.go()
    kept = Forecasts(one.space.repositories, machine_name()).of_run(one.run_id)
    assert kept.before is not None and kept.refined is not None and kept.whole
    assert kept.seconds == one.stored.seconds
    told = [event.text for event in one.events if isinstance(event, LogLine) and "will likely take" in event.text]
    assert len(told) == 1


def test_a_run_that_was_cancelled_teaches_nothing(stage: Make) -> None:
    """Given a cancelled run, then what it was expected to take is kept, and nothing is learned from its end."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    forecasts = Forecasts(one.space.repositories, machine_name())
    before = forecasts.expect(BASIS)
    one.play.cancel_at = "apply"
    with pytest.raises(FlowCancelled):
        one.go()
    assert not forecasts.of_run(one.run_id).whole
    assert forecasts.expect(BASIS) == before


def test_the_next_forecast_is_closer(space: Workspace) -> None:
    """Given runs that took longer here than expected, then the next forecast is closer to what comes; not elsewhere."""
    add_runs(space, 3)
    here, elsewhere = Forecasts(space.repositories, "here"), Forecasts(space.repositories, "elsewhere")
    first = here.expect(BASIS)
    for number in range(3):
        came = RunForecast(
            run_id=str(number), machine="here", before=first, refined=first, seconds=2 * first.plain_s,
            memory_bytes=2 * first.plain_bytes, whole=True,
        )  # fmt: skip
        here.save(came)
    then = here.expect(BASIS)
    assert abs(then.seconds - 2 * first.plain_s) < abs(first.seconds - 2 * first.plain_s)
    assert then.memory_bytes > first.memory_bytes
    assert elsewhere.expect(BASIS) == first


def test_only_the_last_teach(space: Workspace) -> None:
    """Given many runs, then the last ones teach, all are kept, and a run that is kept again stands once."""
    add_runs(space, MOST_LEARNED_FROM + 5)
    forecasts = Forecasts(space.repositories, "here")
    first = forecasts.expect(BASIS)
    for number in range(MOST_LEARNED_FROM + 5):
        seconds = (40 if number < 5 else 2) * first.plain_s
        came = RunForecast(run_id=str(number), machine="here", before=first, seconds=seconds, whole=True)
        forecasts.save(came)
    learned = forecasts.expect(BASIS)
    assert forecasts.of_run("0").seconds == 40 * first.plain_s
    space.repositories.runs.delete("0")
    assert forecasts.of_run("0").seconds is None and forecasts.expect(BASIS) == learned
    last = str(MOST_LEARNED_FROM + 4)
    forecasts.save(RunForecast(run_id=last, machine="here", seconds=2.0))
    assert forecasts.of_run(last).seconds == 2.0
