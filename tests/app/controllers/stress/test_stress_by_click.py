"""The page "Under stress": from Compare by a button, a test by real workers, and the findings on the page."""

import pytest
from desk import Drive, open_page, shown_page, start_run
from read_page import button, words

from app.controllers.app_controller import AppController
from app.services.flow.workspace import Workspace
from app.services.records.after_run import read_record
from widgets.main_window import MainWindow
from widgets.pages.stress.page import StressPage
from widgets.pages.stress.table import CellLabel

pytestmark = pytest.mark.usefixtures("finished_data")


@pytest.fixture
def page(app_controller: AppController, window: MainWindow, space: Workspace, drive: Drive) -> StressPage:
    """Opened from Compare, where the pruned version was chosen."""
    compare = open_page(app_controller, "compare")
    app_controller.session.inspected_version_id = "v2"
    button(compare, "Under stress").click()
    made = window.page("stress")
    assert isinstance(made, StressPage) and window.current_page == "stress" and made.state == "full"
    return made


@pytest.mark.whole
def test_a_version_is_put_under_stress_by_a_click(
    page: StressPage, app_controller: AppController, window: MainWindow, space: Workspace, drive: Drive
) -> None:
    """Given the offer, When the test is started, Then the page says what is done and how far, then shows the table with
    both versions at each severity and pictures; another version has its own offer; leading back works."""
    shown = words(page)
    assert "Harder inputs" in shown and "Pruned" not in shown and not page.findChildren(CellLabel)
    button(page, "Start the quick test (about 1 minute)").click()
    assert page.state == "loading"
    seen: set[str] = set()
    drive(lambda: seen.add(words(page)) or page.state == "full", 120)
    assert any("Changing pictures and asking both versions" in text for text in seen), words(window.notice) + str(seen)
    shown = words(page)
    for text in ("Already without stress", "Noise", "Out of focus", "Severity 5", "Loses more", "Square attack", "Separation", "Triggers",
                 "Nothing was looked for", "100 queries", "Unchanged"):  # fmt: skip
        assert text in shown, text
    report = [cell.accessibleName() for cell in page.findChildren(CellLabel)]
    assert any(text.startswith("Noise, 3: original ") for text in report) and len(report) >= 15
    assert read_record(space.repositories, "v2") and not read_record(space.repositories, "v1")
    page.version_chosen.emit("v1")
    assert "Start the quick test" in button(page, "Start the quick test").text() and not page.findChildren(CellLabel)
    page.version_chosen.emit("v2")
    assert page.findChildren(CellLabel)
    button(page, "Back to Compare").click()
    assert window.current_page == "compare"


def test_cancelled_the_offer_stands_as_before(page: StressPage, app_controller: AppController, drive: Drive) -> None:
    """Given a test at work, When it is cancelled, Then the page is as it was before, and nothing is kept."""
    page.start_requested.emit(True)
    drive(lambda: "Changing pictures" in words(page), 60)
    page.cancel_requested.emit()
    drive(lambda: page.state == "full", 10)
    assert "Start the quick test" in button(page, "Start the quick test").text()
    assert not app_controller.flows.active


def test_nothing_is_asked_while_versions_are_measured(
    page: StressPage, app_controller: AppController, window: MainWindow, drive: Drive
) -> None:
    """Given a run at work, Then no test starts, and the page says why; afterwards it may."""
    start_run(app_controller.flows)
    page.start_requested.emit(False)
    assert "Versions are being measured now" in words(window.notice) and page.state == "full"
    window.show_page("compare")
    window.show_page("stress")
    assert page.state == "empty" and "Versions are being measured" in words(page)
    drive(lambda: page.state == "full", 30)


def test_without_a_run_there_is_nothing_to_do(app_controller: AppController, window: MainWindow) -> None:
    """Given no run, Then the page says what will stand there and leads back."""
    made = shown_page(window, "stress")
    assert made.state == "empty" and "Nothing to stress-test yet" in words(made)
    button(made, "Back to Compare").click()
    assert window.current_page == "compare"
