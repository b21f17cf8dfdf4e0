"""Tests of the page Data: columns, matched labels, replaced readings and check rows."""

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QComboBox
from read_page import words
from records import DATA, Drive, make_project, open_page

from app.controllers.app_controller import AppController
from app.controllers.data import controller as module
from app.controllers.data.controller import check_rows
from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from app.services.machine.devices import describe
from app.services.opening.opening import ReadData
from widgets.main_window import MainWindow
from widgets.pages.data.page import DataPage
from workers.contracts.data.reading import FOLDER_LABELS, LABEL_CHOICES
from workers.contracts.errors import InputRefused
from workers.contracts.jobs import DataParams
from workers.contracts.specs import Finding


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[DataParams]:
    """Return the parameters of all readings, which are answered without reading."""
    seen: list[DataParams] = []

    def read(params: DataParams) -> Flow[ReadData]:
        seen.append(params)
        yield from describe()
        return ReadData(DATA.model_copy(update={"n_items": len(seen)}), Path("/d"), f"key{len(seen)}")

    monkeypatch.setattr(module, "read_data", read)
    return seen


@pytest.fixture
def page(app_controller: AppController, space: Workspace) -> DataPage:
    return open_page(app_controller, "data", make_project(space))


def read(**changes: Any) -> ReadData:
    return ReadData(DATA.model_copy(update=changes), Path("/d"), "key")


def test_other_column_is_read(
    page: DataPage, app_controller: AppController, requests: list[DataParams], drive: Drive
) -> None:
    """Given a table of three columns, when another text column is chosen, then the table is read again with it."""
    table = read(kind="texts", columns=("id", "review", "stars"), text_column="id", label_column="stars")
    app_controller.session.set_data(DataParams(model_dir="", path="/t.csv"), table)
    box = next(box for box in page.findChildren(QComboBox) if box.currentText() == "id")
    box.setCurrentIndex(box.findData("review"))
    drive(lambda: not app_controller.flows.active)
    (wanted,) = requests
    assert (wanted.text_column, wanted.label_column, wanted.path) == ("review", "stars", "/t.csv")
    assert app_controller.session.data_params == wanted.model_copy(update={"model_dir": ""})


def test_refused_table_is_read_with_the_chosen_column(
    page: DataPage, app_controller: AppController, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a table with a column too many, When the column of labels is chosen, Then the same table is read with it,
    and the set before it is kept until then."""
    seen: list[DataParams] = []

    def refuse(params: DataParams) -> Flow[ReadData]:
        seen.append(params)
        yield from describe()
        raise InputRefused("no_inputs", "t", "d", "h", facts={LABEL_CHOICES: ["rooms", "price"]})

    monkeypatch.setattr(module, "read_data", refuse)
    app_controller.session.set_data(DataParams(model_dir="", path="/before.csv"), read())
    page.data_chosen.emit("/prices.csv")
    drive(lambda: page.state == "error")
    (box,) = [box for box in page.findChildren(QComboBox) if box.findData("price") > 0]
    box.setCurrentIndex(box.findData("price"))
    drive(lambda: len(seen) > 1 and not app_controller.flows.active)
    assert [(wanted.path, wanted.label_column) for wanted in seen] == [("/prices.csv", None), ("/prices.csv", "price")]
    requested = app_controller.session.data_params
    assert requested is not None and requested.path == "/before.csv"


def test_matched_labels_accumulate(
    page: DataPage, app_controller: AppController, requests: list[DataParams], drive: Drive
) -> None:
    """Given labels matched twice, then both matches are used when the data are read again."""
    page.labels_matched.emit({"a": "red"})
    drive(lambda: not app_controller.flows.active)
    page.labels_matched.emit({"b": "blue"})
    drive(lambda: not app_controller.flows.active)
    assert requests[-1].label_map == {"a": "red", "b": "blue"}


def test_last_dropped_folder_is_read(
    page: DataPage, app_controller: AppController, requests: list[DataParams], drive: Drive
) -> None:
    """Given a second folder that is dropped while the first is read, then the second is shown."""
    page.data_chosen.emit("/first")
    page.data_chosen.emit("/second")
    drive(lambda: not app_controller.flows.active)
    assert page.state == "full", words(page)
    kept = app_controller.session.data_params
    assert kept is not None and kept.path == "/second"


def test_without_data_inputs_are_made_and_goal_follows(
    page: DataPage, app_controller: AppController, window: MainWindow, requests: list[DataParams], drive: Drive
) -> None:
    """Given no data, when the user continues, then inputs are made and the page Goal follows."""
    page.no_data_chosen.emit()
    drive(lambda: not app_controller.flows.active)
    assert requests[-1].path is None and window.current_page == "goal"


def test_what_was_found_in_words() -> None:
    """Given findings, then warnings come first, and a row shows how balanced the classes are."""
    found = read(
        class_counts={"red": 200, "green": 10},
        findings=(
            Finding(level="info", what="Told."),
            Finding(level="warning", what="Look here."),
        ),
    )
    shown = [(check.state, check.what) for check in check_rows(found.result)]
    assert shown[0] == ("ok", "No example is in both test and calibration set")
    assert ("warn", "Examples of each kind") in shown
    assert shown[-2:] == [("warn", "Look here."), ("ok", "Told.")]


def test_labels_of_folders_are_said_by_their_card_alone() -> None:
    """Given labels that are names of sub-folders, then the list of checks does not repeat that."""
    finding = Finding(level="info", what="The labels are the names of the 2 sub-folders.", code=FOLDER_LABELS)
    found = read(class_counts={"red": 9, "green": 9}, findings=(finding,))
    assert finding.what not in [check.what for check in check_rows(found.result)]
