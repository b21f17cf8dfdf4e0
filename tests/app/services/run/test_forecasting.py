"""Test that forecasts are stored with the outcome of a run, and that later forecasts are better for it."""

import dataclasses
from datetime import UTC, datetime

import pytest
from play import Like
from staging import Make

from app.domain.project import Project
from app.domain.run import Goal, Run, RunState
from app.services.flow.events import LogLine
from app.services.flow.steps import FlowCancelled
from app.services.flow.workspace import Workspace
from app.services.run.costs import Basis
from app.services.run.forecasting import MOST_LEARNED_FROM, Expected, Forecasts, RunForecast, corrected

BASIS = Basis(size_bytes=14_000_000, n_test=144, recipes=4)
NOW = datetime(2026, 3, 4, tzinfo=UTC)


def add_runs(space: Workspace, count: int) -> None:
    """Add a project with the runs "0", "1", …."""
    space.repositories.projects.add(Project("p", "P", "/m.onnx", "ab", NOW, NOW))
    run = Run("0", "p", Goal("balanced", 1.0), RunState.FINISHED, NOW)
    for number in range(count):
        space.repositories.runs.add(dataclasses.replace(run, id=str(number)))


def test_run_stores_its_forecasts_and_its_time(stage: Make) -> None:
    """Given a run, Then both forecasts are stored with its time, and the better one was logged while it ran."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    one.go()
    kept = Forecasts(one.space.repositories).of_run(one.run_id)
    assert kept.before is not None and kept.refined is not None and kept.whole
    assert kept.seconds == one.stored.seconds
    report = [event.text for event in one.events if isinstance(event, LogLine) and "will likely take" in event.text]
    assert len(report) == 1


def test_cancelled_run_does_not_change_forecasts(stage: Make) -> None:
    """Given a cancelled run, Then its forecast is stored, and nothing is learned from its end."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    forecasts = Forecasts(one.space.repositories)
    before = forecasts.expect(BASIS)
    one.play.cancel_at = "apply"
    with pytest.raises(FlowCancelled):
        one.go()
    assert not forecasts.of_run(one.run_id).whole
    assert forecasts.expect(BASIS) == before


def test_the_next_forecast_is_closer(space: Workspace) -> None:
    """Given runs that took longer than expected on this machine, Then the next forecast is closer here and unchanged
    elsewhere."""
    add_runs(space, 3)
    here, elsewhere = Forecasts(space.repositories, "here"), Forecasts(space.repositories, "elsewhere")
    first = here.expect(BASIS)
    for number in range(3):
        took = {"seconds": 2 * first.plain_s, "memory_bytes": 2 * first.plain_bytes, "whole": True}
        here.save(str(number), before=first, refined=first, **took)
    then = here.expect(BASIS)
    assert abs(then.seconds - 2 * first.plain_s) < abs(first.seconds - 2 * first.plain_s)
    assert then.memory_bytes > first.memory_bytes
    assert elsewhere.expect(BASIS) == first


def test_forecast_learns_from_the_last_runs_only(space: Workspace) -> None:
    """Given many runs, Then only the last ones correct the forecast, and all are stored."""
    add_runs(space, MOST_LEARNED_FROM + 5)
    forecasts = Forecasts(space.repositories, "here")
    first = forecasts.expect(BASIS)
    for number in range(MOST_LEARNED_FROM + 5):
        seconds = (40 if number < 5 else 2) * first.plain_s
        forecasts.save(str(number), before=first, seconds=seconds, whole=True)
    learned = forecasts.expect(BASIS)
    assert forecasts.of_run("0").seconds == 40 * first.plain_s
    space.repositories.runs.delete("0")
    assert forecasts.of_run("0").seconds is None and forecasts.expect(BASIS) == learned
    last = str(MOST_LEARNED_FROM + 4)
    forecasts.save(last, seconds=2.0)
    assert forecasts.of_run(last).seconds == 2.0


def test_basis_with_more_work_expects_more_time_and_memory() -> None:
    """Given a larger model, more tests, more recipes or slower requests, Then more time and memory are expected."""
    larger = ({"size_bytes": 90_000_000}, {"n_test": 5000}, {"recipes": 8}, {"request_ms": 300.0})
    for changed in (dataclasses.replace(BASIS, **more) for more in larger):
        assert changed.seconds > BASIS.seconds and changed.memory_bytes >= BASIS.memory_bytes
    assert Basis(14_000_000, 5000, 20, budget_s=30).seconds == 30


def test_memory_follows_the_peak_of_the_original() -> None:
    """Given that the original was measured, Then its own peak counts; making a version still counts if that needs
    more."""
    measured = dataclasses.replace(BASIS, planned=6, request_ms=2, peak_bytes=10**7)
    assert dataclasses.replace(measured, peak_bytes=10**9).memory_bytes > 3 * 10**9 > 10**9 > measured.memory_bytes
    large = dataclasses.replace(measured, size_bytes=200_000_000, planned=1)
    assert large.memory_bytes > 5 * large.size_bytes


def test_corrected_moves_towards_earlier_outcomes() -> None:
    """Given runs that took twice as long as expected, Then more is expected of the next one, and the more of them there
    are, the more."""
    was = Expected(seconds=60, memory_bytes=10**9, plain_s=60, plain_bytes=10**9)
    twice, wild = (RunForecast(run_id="r", machine="m", seconds=60 * n, memory_bytes=n * 10**9) for n in (2, 100))
    one, ten = (corrected(60, 10**9, [(was, twice)] * n) for n in (1, 10))
    assert 60 < one.seconds < ten.seconds < 120
    assert 10**9 < one.memory_bytes < ten.memory_bytes < 2 * 10**9
    assert corrected(60, 10**9, [(was, wild)] * 50).seconds <= 3 * 60


def test_stored_forecast_of_an_older_version_is_read() -> None:
    """Given a stored forecast with bounds of the time, as older versions wrote it, Then it is read without them."""
    older = {"seconds": 60, "low_s": 40, "high_s": 90, "memory_bytes": 9, "plain_s": 60, "plain_bytes": 9}
    assert Expected.model_validate(older).seconds == 60
