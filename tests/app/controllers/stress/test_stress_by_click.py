"""Tests of the page "Under stress": opened from Compare, tested by real workers, with the results on the page."""

import pytest
from read_page import button, words
from records import Drive, open_page, shown_page, start_run

from app.controllers.app_controller import AppController
from app.services.flow.workspace import Workspace
from app.services.records.after_run import read_record
from widgets.main_window import MainWindow
from widgets.pages.stress.page import StressPage
from widgets.pages.stress.table import CellLabel

pytestmark = pytest.mark.usefixtures("finished_data")


@pytest.fixture
def page(app_controller: AppController, window: MainWindow) -> StressPage:
    """Return the page, opened from Compare where the pruned version was chosen."""
    compare = open_page(app_controller, "compare")
    app_controller.session.inspected_version_id = "v2"
    button(compare, "Under stress").click()
    made = window.page("stress")
    assert isinstance(made, StressPage) and window.current_page == "stress" and made.state == "full"
    return made


@pytest.mark.whole
def test_stress_test_shows_both_versions_at_each_severity(
    page: StressPage, window: MainWindow, space: Workspace, drive: Drive
) -> None:
    """Given the offer, when the test is started, then the page shows the progress, then the table of both versions at
    each severity. Another version has its own offer, and the button leads back."""
    shown = words(page)
    assert "Harder inputs" in shown and "Pruned" not in shown and not page.findChildren(CellLabel)
    button(page, "Start the quick test (about 1 minute)").click()
    assert page.state == "loading"
    seen: set[str] = set()
    drive(lambda: seen.add(words(page)) or page.state == "full", 120)
    assert any("Running both versions on changed pictures" in text for text in seen), words(window.notice) + str(seen)
    shown = words(page)
    for text in ("Already without stress", "Noise", "Out of focus", "Severity 5", "Loses more", "Square attack", "Separation", "Triggers",
                 "Nothing was looked for", "100 queries", "Unchanged"):  # fmt: skip
        assert text in shown, text
    names = [cell.accessibleName() for cell in page.findChildren(CellLabel)]
    assert any(text.startswith("Noise, 3: original ") for text in names) and len(names) >= 15
    assert read_record(space.repositories, "v2") and not read_record(space.repositories, "v1")
    page.version_chosen.emit("v1")
    assert "Start the quick test" in button(page, "Start the quick test").text() and not page.findChildren(CellLabel)
    page.version_chosen.emit("v2")
    assert page.findChildren(CellLabel)
    button(page, "Back to Compare").click()
    assert window.current_page == "compare"


def test_cancelled_stress_test_leaves_the_offer(page: StressPage, app_controller: AppController, drive: Drive) -> None:
    """Given a running test, when it is cancelled, then the offer is shown again and nothing is stored."""
    page.start_requested.emit(True)
    drive(lambda: "changed pictures" in words(page), 60)
    page.cancel_requested.emit()
    drive(lambda: page.state == "full")
    assert "Start the quick test" in button(page, "Start the quick test").text()
    assert not app_controller.flows.active


def test_stress_test_waits_while_versions_are_measured(
    page: StressPage, app_controller: AppController, window: MainWindow, drive: Drive
) -> None:
    """Given an active run, then no test starts and the page shows the reason; afterwards the offer is shown."""
    start_run(app_controller.flows)
    page.start_requested.emit(False)
    assert "Versions are being measured now" in words(window.notice) and page.state == "full"
    window.show_page("compare")
    window.show_page("stress")
    assert page.state == "empty" and "Versions are being measured" in words(page)
    drive(lambda: page.state == "full")


def test_page_without_a_run_is_empty(app_controller: AppController, window: MainWindow) -> None:
    """Given no run, then the page explains what it will show and leads back."""
    made = shown_page(window, "stress")
    assert made.state == "empty" and "Nothing to stress-test yet" in words(made)
    button(made, "Back to Compare").click()
    assert window.current_page == "compare"
