"""The page "Layers" with the sample's versions really looked into."""

import pytest
from desk import Drive, open_page
from flows import go

from app.controllers.app_controller import AppController
from app.services.after.layering import look_at_layers, lookable, looked_before
from app.services.flow.events import Event, JobBegan
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from widgets.pages.layers.table import LayersTable

pytestmark = pytest.mark.usefixtures("finished_data")


def test_layers_are_looked_at_once(app_controller: AppController, space: Workspace, drive: Drive) -> None:
    """Given a finished run, When its layers are looked at, Then both versions stand there; the next time at once."""
    page = open_page(app_controller, "layers")
    assert page.state == "full" and page.findChild(LayersTable) is None
    page.look_requested.emit()
    assert page.state == "loading"
    drive(lambda: page.state != "loading")
    table = page.findChild(LayersTable)
    assert table is not None and table.model().rowCount() > 3
    facts = read_facts(space, "r1")
    version = lookable(facts)[0]
    assert not version.is_baseline
    known = looked_before(space, facts, version)
    assert [seen.id for seen, _ in known] == [facts.baseline.id, version.id]
    events: list[Event] = []
    again = go(space, look_at_layers(space, facts, version), events.append)
    assert again == known
    assert not [event for event in events if isinstance(event, JobBegan)]


def test_a_look_can_be_cancelled(app_controller: AppController, space: Workspace, drive: Drive) -> None:
    """Given a look that goes on, When it is cancelled, Then the offer stands there again and nothing is kept."""
    page = open_page(app_controller, "layers")
    page.look_requested.emit()
    page.cancel_requested.emit()
    drive(lambda: page.state != "loading")
    assert page.state == "full" and page.findChild(LayersTable) is None
