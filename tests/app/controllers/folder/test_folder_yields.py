"""Tests of the page "Answer a folder" beside a measurement."""

from pathlib import Path

import pytest
from finished_run import write_picture
from read_page import words
from records import Drive, endless, open_page

from app.controllers.app_controller import AppController

N_PICTURES, SIDE_PX = 40, 1200


@pytest.mark.whole
@pytest.mark.usefixtures("finished_data")
def test_answering_stops_for_a_measurement_and_goes_on_after_it(
    app_controller: AppController, tmp_path: Path, drive: Drive
) -> None:
    """Given a folder that is being answered, When a measurement begins, Then answering stops with what it has and the
    page says that it goes on; When the measurement ends, Then the rest is answered without a click."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(N_PICTURES):
        write_picture(folder / f"{number:02}.png", number, SIDE_PX)
    page = open_page(app_controller, "folder")
    page.path_chosen.emit(str(folder))
    drive(lambda: page.state == "running")
    flows = app_controller.flows
    measurement = flows.start(
        endless(), title="Load test", on_done=lambda _: None, on_failed=lambda _: None, measures=True
    )
    drive(lambda: page.state == "stopped")
    assert "It goes on after the measurement." in words(page)
    drive(lambda: flows.everything == (measurement,))
    flows.cancel(measurement)
    drive(lambda: page.state == "done", 60)
    assert f"{N_PICTURES} answered" in words(page)
