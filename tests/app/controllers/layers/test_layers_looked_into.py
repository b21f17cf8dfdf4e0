"""Tests of the page "Layers" with real profiles of the sample's versions."""

import pytest
from flows import go
from records import Drive, open_page

from app.controllers.app_controller import AppController
from app.services.after.layering import profile_layers, stored_layers, versions_to_profile
from app.services.flow.events import Event, JobBegan
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from widgets.pages.layers.table import LayersTable

pytestmark = pytest.mark.usefixtures("finished_data")


def test_layers_are_profiled_once(app_controller: AppController, space: Workspace, drive: Drive) -> None:
    """Given a finished run, when its layers are profiled, then both versions are shown; the next time they come from
    the store."""
    page = open_page(app_controller, "layers")
    assert page.state == "full" and page.findChild(LayersTable) is None
    page.look_requested.emit()
    assert page.state == "loading"
    drive(lambda: page.state != "loading")
    table = page.findChild(LayersTable)
    assert table is not None and table.model().rowCount() > 3
    facts = read_facts(space, "r1")
    version = versions_to_profile(facts)[0]
    assert not version.is_baseline
    profiles = stored_layers(space, facts, version)
    assert [seen.id for seen, _ in profiles] == [facts.baseline.id, version.id]
    events: list[Event] = []
    again = go(space, profile_layers(space, facts, version), events.append)
    assert again == profiles
    assert not [event for event in events if isinstance(event, JobBegan)]


def test_cancelled_profile_leaves_the_offer(app_controller: AppController, drive: Drive) -> None:
    """Given a running profile, when it is cancelled, then the offer is shown again and nothing is stored."""
    page = open_page(app_controller, "layers")
    page.look_requested.emit()
    page.cancel_requested.emit()
    drive(lambda: page.state != "loading")
    assert page.state == "full" and page.findChild(LayersTable) is None
