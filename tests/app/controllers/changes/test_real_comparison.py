"""The page "What changed, and why" with real comparisons of the sample's versions."""

import pytest
from flows import go
from records import Drive, open_page

from app.controllers.app_controller import AppController
from app.services.after.comparing_graphs import compare_versions
from app.services.flow.events import Event, JobBegan
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from tests.widgets.qt_actions import child
from widgets.parts.tables.table import Table
from widgets.plots.graph_picture import GraphPicture

pytestmark = [pytest.mark.usefixtures("finished_data"), pytest.mark.whole]


def test_versions_are_compared_once(app_controller: AppController, space: Workspace, drive: Drive) -> None:
    """Given a finished run, when a version is compared, then list and picture are shown; the next time the comparison
    comes from the store, without a job."""
    page = open_page(app_controller, "changes")
    assert page.state == "full" and page.findChild(GraphPicture) is None
    page.compare_requested.emit()
    assert page.state == "loading"
    drive(lambda: page.state != "loading", 120)
    assert child(page, GraphPicture).drawing.rects and child(page, Table).model().rowCount() > 5
    facts = read_facts(space, "r1")
    events: list[Event] = []
    again = go(space, compare_versions(space, facts, facts.recommended), events.append)
    assert again.nodes and not [event for event in events if isinstance(event, JobBegan)]


def test_cancelled_comparison_leaves_the_offer(app_controller: AppController, drive: Drive) -> None:
    """Given a running comparison, when it is cancelled, then the offer is shown again and nothing is stored."""
    page = open_page(app_controller, "changes")
    page.compare_requested.emit()
    page.cancel_requested.emit()
    drive(lambda: page.state != "loading")
    assert page.state == "full" and page.findChild(GraphPicture) is None
