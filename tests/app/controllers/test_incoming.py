"""Tests of dropped files in any order and number."""

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject
from read_page import question
from records import make_project

from app.controllers.commands import OPEN_MODEL, READ_DATA
from app.controllers.incoming import Incoming
from app.controllers.session import Session
from app.services.flow.workspace import Workspace
from widgets.main_window import MainWindow

Got = list[tuple[str, str]]


@pytest.fixture
def got(window: MainWindow, session: Session) -> Got:
    """Return the files that were passed on, with the kind that they were opened as."""
    received: Got = []

    def open_model(path: str) -> None:
        received.append(("model", Path(path).name))
        session.is_opening = True

    window.commands.offer(OPEN_MODEL, open_model)
    window.commands.offer(READ_DATA, lambda path: received.append(("data", Path(path).name)))
    return received


@pytest.fixture
def incoming(window: MainWindow, session: Session) -> Incoming:
    return Incoming(window, window.property("theme"), session, QObject(window))


def files(folder: Path, *names: str) -> list[str]:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return [str(folder / name) for name in names]


def banner(window: MainWindow) -> str:
    return "" if window.notice.isHidden() else window.notice.accessibleName()


def test_model_is_opened_before_its_data(incoming: Incoming, got: Got, window: MainWindow, tmp_path: Path) -> None:
    """Given data and a model in one drop, then the model is opened and the data wait for it, without a message."""
    model, data = files(tmp_path, "m.onnx", "t.csv")
    incoming.take([data, model])
    assert got == [("model", "m.onnx")] and banner(window) == ""
    assert incoming.take_waiting() == data and incoming.take_waiting() == ""


def test_data_without_a_model_wait_with_a_message(
    incoming: Incoming, got: Got, window: MainWindow, tmp_path: Path
) -> None:
    """Given no model, when data are dropped, then the page Model shows that a model is needed first."""
    incoming.take(files(tmp_path, "t.csv"))
    assert got == [] and window.current_page == "model"
    assert "a model is needed first" in banner(window)
    incoming.take(files(tmp_path, "m.onnx"))
    assert got == [("model", "m.onnx")] and banner(window) == ""


def test_data_for_an_open_model_are_read(
    incoming: Incoming, got: Got, session: Session, space: Workspace, tmp_path: Path
) -> None:
    """Given an open model, when data are dropped, then they are read."""
    session.reopen(make_project(space))
    incoming.take(files(tmp_path, "x.npz"))
    assert got == [("data", "x.npz")]


def test_loose_files_are_refused(incoming: Incoming, got: Got, window: MainWindow, tmp_path: Path) -> None:
    """Given three loose pictures, then none is opened and the window explains what to do."""
    incoming.take(files(tmp_path, "a.png", "b.png", "c.png"))
    assert got == [] and "one folder" in banner(window)


@pytest.mark.parametrize(("answer", "expected"), [("model", [("model", "both")]), ("", [])])
def test_folder_with_model_and_pictures_is_asked_about(
    incoming: Incoming, got: Got, window: MainWindow, tmp_path: Path, answer: str, expected: Got
) -> None:
    """Given a folder with a model and pictures, then the user is asked, and nothing happens before the answer."""
    files(tmp_path / "both", "m.onnx", "a.png")
    incoming.take([str(tmp_path / "both")])
    assert got == []
    question(window)._choose(answer) if answer else question(window).reject()
    assert got == expected


@pytest.mark.parametrize(("names", "kind"), [(("a.onnx", "b.onnx"), "model"), (("a.csv", "b.npz"), "data")])
def test_two_files_of_one_kind_are_asked_about(
    incoming: Incoming,
    got: Got,
    window: MainWindow,
    session: Session,
    space: Workspace,
    tmp_path: Path,
    names: Any,
    kind: str,
) -> None:
    """Given two models or two data files in one drop, then the user chooses one, and none is opened if the question is
    cancelled."""
    session.reopen(make_project(space))
    both = files(tmp_path, *names)
    incoming.take(both)
    assert got == []
    question(window).reject()
    assert got == []
    incoming.take(both)
    question(window)._choose("1")
    assert got == [(kind, names[1])]


def test_two_unclear_folders_that_are_both_models_are_asked_about(
    incoming: Incoming, got: Got, window: MainWindow, session: Session, space: Workspace, tmp_path: Path
) -> None:
    """Given two unclear folders, when both are called models, then the user is asked which one to open."""
    session.reopen(make_project(space))
    for name in ("one", "two"):
        files(tmp_path / name, "m.onnx", "a.png")
    incoming.take([str(tmp_path / "one"), str(tmp_path / "two")])
    question(window)._choose("model")
    question(window)._choose("model")
    assert got == []
    question(window)._choose("0")
    assert got in ([("model", "one")], [("model", "two")])


def test_addresses_are_not_fetched(incoming: Incoming, window: MainWindow) -> None:
    """Given a web address, then the window shows that it fetches nothing by itself."""
    window.links_dropped.emit(["https://models.example/x.onnx"])
    assert "an address, not a file" in banner(window)
