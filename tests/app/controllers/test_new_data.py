"""Tests of examples that are dropped while there is a result: used, added, or restored later."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from finished_run import copied_space, finished_folder, write_part
from read_page import press, question, words
from records import Drive, open_page

from app.controllers.app_controller import AppController
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from widgets.main_window import MainWindow


@pytest.fixture(scope="module")
def short_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a finished run that had time for ten of its 48 examples."""
    return finished_folder(tmp_path_factory.mktemp("short"), answer_s=0.0)


@pytest.fixture
def space(short_data: Path, tmp_path: Path) -> Iterator[Workspace]:
    yield from copied_space(short_data, tmp_path)


@pytest.fixture
def page(app_controller: AppController) -> Any:
    """Return the page Compare of the reopened project."""
    return open_page(app_controller, "compare")


@pytest.mark.whole
def test_examples_without_time_are_named_and_evaluated_later(page: Any, space: Workspace, drive: Drive) -> None:
    """Given a result on ten of 48 examples, then Compare shows that and the name of the examples. One click evaluates
    the others, and the note disappears."""
    assert "Only 10 of your 48 test pictures were tested" in words(page)
    assert "The result is of “some.npz”." in words(page)
    press(page, "Prove it (about ")
    assert page.state == "loading"
    drive(lambda: page.state == "full", 60)
    assert page._value.n_test == 48 and page._value.evaluated is None
    assert "were tested: " not in words(page)
    assert [v.judgement.n for v in read_facts(space, "r1").variants if v.judgement is not None] == [48, 48, 48]


@pytest.mark.whole
def test_dropped_data_can_be_cancelled_used_and_restored(
    page: Any, app_controller: AppController, window: MainWindow, tmp_path: Path, drive: Drive
) -> None:
    """Given a result, when other examples are dropped on another page, then the user is asked. Cancel changes nothing.
    When they are used, the result stays and names its examples, and one click restores the earlier ones."""
    other = str(write_part(tmp_path / "other.npz", 100, 160))
    before, requested = app_controller.session.data, app_controller.session.data_params
    window.show_page("goal")
    window.paths_dropped.emit([other])
    press(question(window), "Cancel")
    assert app_controller.session.data is before and window.current_page == "goal"

    window.paths_dropped.emit([other])
    press(question(window), "Use these instead")
    drive(lambda: app_controller.session.data is not before and not app_controller.flows.active, 60)
    assert window.current_page == "data"
    window.show_page("compare")
    assert "The result is of “some.npz”, and not of “other.npz”, which you have chosen since." in words(page)

    window.show_page("data")
    press(window.page("data"), "Back to “some.npz”")
    assert app_controller.session.data_params == requested and app_controller.session.data == before
    assert "From “some.npz”" in words(window.page("data"))
    assert app_controller.session.project is not None and app_controller.session.project.data_path == requested.path
    window.show_page("compare")
    assert "chosen since" not in words(page)
    window.show_page("data")
    press(window.page("data"), "Back to “other.npz”")  # and on again
    assert app_controller.session.data_params is not None and app_controller.session.data_params.path == other


@pytest.mark.whole
def test_dropped_data_can_be_added_to_the_result(
    page: Any,
    app_controller: AppController,
    window: MainWindow,
    tmp_path: Path,
    space: Workspace,
    drive: Drive,
) -> None:
    """Given a result, when examples are dropped and added, some of them known, then the new ones count for the result,
    the banner shows how many did not, and the examples of the next run stay."""
    before = app_controller.session.data
    window.show_page("goal")
    window.paths_dropped.emit([str(write_part(tmp_path / "more.npz", 50, 90))])
    press(question(window), "Add them")
    assert window.current_page == "compare" and page.state == "loading"
    drive(lambda: page.state == "full", 60)
    assert read_facts(space, "r1").proof.added == 30
    assert "10 of them were already there" in words(window.notice) and "30 were new and count" in words(window.notice)
    assert app_controller.session.data is before
