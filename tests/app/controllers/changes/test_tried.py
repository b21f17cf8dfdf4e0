"""Tests of what a run tried, on the page "What changed, and why", with a real database."""

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot
from read_page import press, words
from records import add_run, judgement, make_project, run, shown_page, variant

from app.controllers.app_controller import AppController
from app.controllers.changes.tried import _gave, forecast_note, forecast_rows
from app.domain.run import StepRecord
from app.domain.tried import TriedRecipe
from app.domain.variant import Variant
from app.services.flow.workspace import Workspace
from app.services.run.forecasting import Expected, RunForecast
from widgets.main_window import MainWindow
from widgets.pages.changes.page import ChangesPage
from widgets.parts.small import Tag
from workers.contracts.jobs import PlanResult
from workers.contracts.specs import Recipe

PLAN = PlanResult(
    baseline=Recipe(title="Original"),
    candidates=(Recipe(title="Version 1"), Recipe(title="Version 2")),
    dropped=(("On the graphics card", "There is none here."),),
)


SAID = Expected(seconds=60, memory_bytes=900_000_000, plain_s=60, plain_bytes=900_000_000)


def page_of(app_controller: AppController, window: MainWindow, space: Workspace, other: Variant) -> ChangesPage:
    """Return the page for a run of the original, a recommended version and another one."""
    app_controller.session.reopen(make_project(space))
    made = run(
        plan_json=PLAN.model_dump_json(), data_key="data", baseline_variant_id="r1-v0", recommended_variant_id="r1-v1"
    )
    add_run(space, made, variant(0, p50_ms=4.0), variant(1, p50_ms=2.0, speedup=2.0), other)
    space.repositories.runs.put_step(StepRecord("r1", 3, "Version 1", "done", seconds=4.0, variant_index=1))
    app_controller.session.set_run(made)
    return shown_page(window, "changes")


def test_tried_versions_are_shown_and_measured_again(
    app_controller: AppController, window: MainWindow, space: Workspace, qtbot: QtBot
) -> None:
    """Given a finished run, then all versions are listed with their outcomes, and the run can be measured again."""
    page = page_of(app_controller, window, space, variant(2, p50_ms=6.0, speedup=0.7))
    text = words(page)
    assert page.state == "full"
    shown = (
        "2 versions were tried, 1 other was left out",
        "Recommended",
        "2.0 × as fast",
        "There is none here.",
        "Not faster",
    )
    assert [part for part in shown if part not in text] == []
    app_controller.session.opened = None  # nothing is started; the signal is enough
    with qtbot.waitSignal(page.again_requested, timeout=1000):
        press(page, "Measure again")
    press(page, "Back to Compare")
    assert window.current_page == "compare"


def test_unproven_version_has_a_warning_tag(
    app_controller: AppController, window: MainWindow, space: Workspace
) -> None:
    """Given a version that looks alike without a proof, then its tag warns, as on Compare."""
    unsure = variant(2, p50_ms=3.0, speedup=1.3, judgement=judgement(verdict="not_enough_data", drop_high=0.02))
    page = page_of(app_controller, window, space, unsure)
    tones = {tag.accessibleName(): tag.property("tone") for tag in page.findChildren(Tag)}
    assert (tones["Recommended"], tones["Alike, not proven"]) == ("ok", "warn")


@pytest.mark.parametrize(("agreed_low", "shown"), [(1.69, True), (1.0, True), (0.5, False), (0.04, False)])
def test_lower_bound_below_one_is_not_shown(agreed_low: float, shown: bool) -> None:
    """Given a version measured under load, Then a bound that says nothing ("at least 0.0 × as fast") is left out."""
    made = variant(1, p50_ms=2.0, speedup=2.0)
    loaded = replace(made, measurement=replace(made.measurement, under_load=True, agreed_low=agreed_low))
    assert ("at least" in _gave(TriedRecipe(title="", why="", outcome="tried", variant=loaded))) is shown


def test_forecast_is_compared_with_actual_values() -> None:
    """Given forecasts and actual values, then the error is a share, or a factor if it is large; cached work counts."""
    came = RunForecast(run_id="r", machine="m", before=SAID, refined=SAID, seconds=50.0, memory_bytes=300_000_000)
    time, memory = forecast_rows(came)
    assert time[3:] == ("50 s", "20 % too high")
    assert memory[4] == "3.0 times too high"
    cached = came.model_copy(update={"seconds": 5.0, "saved_s": 55.0})
    time, memory = forecast_rows(cached)
    assert time[3:] == ("1 min", "right")
    assert memory[3] == "–"
    assert forecast_rows(RunForecast(run_id="r", machine="m")) == ()


def test_additional_time_is_not_compared_with_the_forecast() -> None:
    """Given a run of one expected minute that was given seven more, then its time has no error, and the note gives the
    reason."""
    came = RunForecast(run_id="r", machine="m", before=SAID, seconds=463.0, saved_s=72.0, memory_bytes=900_000_000)
    time, _ = forecast_rows(came, went_on_s=420.0)
    assert time[3:] == ("7 min 43 s", "–")
    assert "additional 7 min" in forecast_note(came, went_on_s=420.0)


def test_note_names_work_from_the_store() -> None:
    """Given a run of 80 s with another 50 s of work from the store, then the note has both times."""
    came = RunForecast(run_id="r", machine="m", before=SAID, seconds=80.0, saved_s=50.0)
    assert "1 min 20 s" in forecast_note(came) and "50 s" in forecast_note(came)
    assert "in fact" not in forecast_note(came.model_copy(update={"saved_s": 0.0}))
