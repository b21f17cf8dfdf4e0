"""Tests of the page Under load with real workers: measured, cancelled, alone on the computer, priced."""

import shutil
from dataclasses import replace

import pytest
from read_page import words
from records import Drive, open_page, start_run

from app.controllers.app_controller import AppController
from app.services.after import loading
from app.services.flow.workspace import Workspace
from app.services.machine.devices import describe
from app.services.records.after_run import read_load, read_price
from widgets.main_window import MainWindow
from widgets.pages.load.page import LoadPage

pytestmark = pytest.mark.usefixtures("finished_data")


@pytest.fixture
def page(app_controller: AppController, monkeypatch: pytest.MonkeyPatch) -> LoadPage:
    """Return the page of the finished run, with one cold start and one set."""
    monkeypatch.setattr(loading, "COLD_STARTS", 1)
    monkeypatch.setattr(loading, "PAIRED_SETS", 1)
    monkeypatch.setattr(loading, "PAIRED_PACE", replace(loading.PAIRED_PACE, block_max_s=0.2))
    made = open_page(app_controller, "load")
    assert made.state == "ask"
    return made


def best(app_controller: AppController) -> str:
    run = app_controller.session.run
    assert run is not None and run.recommended_variant_id is not None
    return run.recommended_variant_id


@pytest.mark.whole
@pytest.mark.timeout(180)
def test_load_test_is_measured_priced_and_stored(
    page: LoadPage, app_controller: AppController, window: MainWindow, space: Workspace, drive: Drive
) -> None:
    """Given Start, then each step is shown, the result has both versions, a price gives costs, and all of it is shown
    when the run is opened again."""
    page.start_requested.emit(best(app_controller), 0.3, 500.0)
    assert page.state == "loading" and window.clock.fps == 5, "the window draws seldom while it is measured"
    seen: set[str] = set()
    drive(lambda: seen.add(words(page)) or page.state == "full", 150)
    stages = "\n".join(seen)
    steps = "Batch sizes: Original (step 1 of 8)", "Request rates: Faster engine", "Cold start", "Both in turn", "left"
    assert [text for text in steps if text not in stages] == []
    assert window.clock.fps != 5
    shown = words(page)
    assert "On this computer “Faster engine” answers about" in shown and "not an MLPerf result" in shown
    assert "does not report how much energy" in shown or " mJ an answer" in shown
    assert "Most requests within your limit" in shown and "99 % within 500 ms" in shown

    page.price_changed.emit(0.25, "EUR", 40.0)
    kept = read_price(space.repositories)
    assert kept is not None and (kept.per_hour, kept.currency, kept.utilization) == (0.25, "EUR", 0.4)
    record = next(iter(read_load(space.repositories, "r1").values()))
    per_s = loading.best_per_s(record.original)
    assert per_s is not None and f"{0.25e6 / (per_s * 3600 * 0.4):.3g} EUR" in words(page)
    page.example_chosen.emit("aws-m7g-large")
    assert "as factualminds.com" in words(page) and "2026-06-17" in words(page)
    page.price_changed.emit(0.0, "EUR", 40.0)
    assert read_price(space.repositories) is None and "Nothing is assumed" in words(page)

    page.again_requested.emit()
    assert page.state == "ask"
    page.result_requested.emit()
    assert page.state == "full"
    app_controller.session.run_changed.emit()
    assert page.state == "full" and "Faster engine" in words(page)


def test_cancelled_load_test_stores_nothing(
    page: LoadPage, app_controller: AppController, space: Workspace, drive: Drive, window: MainWindow
) -> None:
    page.start_requested.emit(best(app_controller), 3600.0, 0.0)
    drive(lambda: app_controller.flows.pids)
    pids = app_controller.flows.pids
    page.cancel_requested.emit()
    drive(lambda: page.state == "ask")
    assert pids and not read_load(space.repositories, "r1") and window.clock.fps != 5


def test_load_test_waits_for_other_work(
    page: LoadPage, app_controller: AppController, window: MainWindow, drive: Drive
) -> None:
    """Given a measuring run or another running job, then Start is refused with a reason, and a run waits for a load
    test."""
    start_run(app_controller.flows)
    page.start_requested.emit(best(app_controller), 0.3, 0.0)
    assert page.state == "ask" and "Versions are being measured now" in words(window.notice)
    drive(lambda: not app_controller.flows.runs)
    app_controller.flows.start(describe(), title="Write the bundle", on_done=lambda _found: None, on_failed=print)
    page.start_requested.emit(best(app_controller), 0.3, 0.0)
    assert page.state == "ask" and "Write the bundle" in words(window.notice)
    drive(lambda: not app_controller.flows.active)

    page.start_requested.emit(best(app_controller), 3600.0, 0.0)
    waiting = start_run(app_controller.flows)
    assert waiting not in app_controller.flows.active and waiting in app_controller.flows.runs
    app_controller.flows.cancel(waiting)
    page.cancel_requested.emit()
    drive(lambda: page.state == "ask")


def test_closed_project_stops_the_load_test(page: LoadPage, app_controller: AppController, drive: Drive) -> None:
    """Given a running load test, when the project is closed, then it ends and the page is empty."""
    page.start_requested.emit(best(app_controller), 3600.0, 0.0)
    app_controller.session.set_run(None)
    assert page.state == "empty"
    drive(lambda: not app_controller.flows.runs)


def test_missing_files_of_a_version_are_reported(
    page: LoadPage, window: MainWindow, space: Workspace, drive: Drive
) -> None:
    """Given missing files of the run, then a banner reports that and the form stays."""
    variant = next(v for v in space.repositories.variants.list(run_id="r1") if v.title.startswith("Pruned"))
    shutil.rmtree(space.artifacts.folder(str(variant.artifact_key)))
    page.start_requested.emit(variant.id, 0.3, 0.0)
    drive(lambda: page.state == "ask")
    assert "Files of this run are gone" in words(window.notice)
