"""Test of the check of the input preparation in the real window: figures, and another preparation by one click."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QAbstractButton, QApplication
from read_page import words
from records import Drive

from app.controllers.app_controller import AppController
from app.controllers.data.controller import DataController
from app.controllers.data.doctor import DataDoctor
from app.controllers.flows import FlowRunner
from app.controllers.model.controller import ModelController
from app.controllers.page_controller import ControllerContext
from presets.sample import sample_paths
from widgets.main_window import MainWindow
from widgets.pages.data.doctor import DoctorCard, DoctorValue
from widgets.pages.data.page import DataPage
from workers.contracts.jobs import OpenParams


@pytest.mark.whole
def test_a_wrong_preparation_is_found_and_put_right(
    app_controller: AppController, window: MainWindow, drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given the sample opened with a wrong preparation, when it is checked, then the page shows that another one fits
    far better, also after a restart. One click opens the model with it and reads the examples again, and the card shows
    how inputs are prepared."""
    sample = sample_paths()
    model = app_controller.controller("model", ModelController)
    own = tmp_path / "own.onnx"
    shutil.copy(sample.model, own)
    with np.load(sample.data) as stored:
        np.savez(tmp_path / "some.npz", x=stored["x"][:100], y=stored["y"][:100], classes=stored["classes"])
    model.open(OpenParams(path=str(own), preprocess="mean=1,std=-1,range=0..1"))
    drive(lambda: app_controller.session.model is not None, 90)
    window.show_page("data")
    app_controller.controller("data", DataController).read_path(str(tmp_path / "some.npz"))
    drive(lambda: app_controller.session.data is not None and not app_controller.flows.active, 90)
    page = window.page("data")
    assert isinstance(page, DataPage)
    before = app_controller.session.data
    page.doctor_requested.emit()
    card = page.findChild(DoctorCard)
    drive(lambda: take(card) is not None, 90)
    shown = words(card)
    assert "Another preparation fits far better" in shown and "answers are right" in shown and "(chosen)" in shown
    session = app_controller.session
    project = session.project
    assert project is not None
    session.new_project()
    assert session.reopen(project)
    found = found_after_restart(app_controller._context, DataPage(window.property("theme")), monkeypatch)
    assert found.result.verdict == "far_better" and "mean=0.286,std=0.353" in found.result.best.spec
    again = page.findChild(DoctorCard)
    assert again is not None and again is not card
    button = take(again)
    page_ids: list[str] = []
    window.page_shown.connect(page_ids.append)
    button.click()
    drive(lambda: app_controller.session.data not in (None, before) and not app_controller.flows.active, 90)
    assert set(page_ids) <= {"data"} and window.current_page == "data"
    new = page.findChild(DoctorCard)
    drive(lambda: "0 to 1" in words(new))
    opened = app_controller.session.opened
    assert "mean=0.286,std=0.353" in opened.opening.preprocess
    requested = app_controller.session.data_params
    assert requested is not None and requested.path == str(tmp_path / "some.npz")


def found_after_restart(context: ControllerContext, page: DataPage, monkeypatch: pytest.MonkeyPatch) -> DoctorValue:
    """Return the value that new objects show, which did not exist during the check."""
    shown: list[DoctorValue] = []
    monkeypatch.setattr(page, "show_doctor", shown.append)
    DataDoctor(replace(context, flows=FlowRunner(context.session.workspace)), page).show()
    return shown[-1]


def take(card: DoctorCard) -> QAbstractButton | None:
    QApplication.processEvents()
    buttons = (b for b in card.findChildren(QAbstractButton) if b.isVisibleTo(card) and b.text().startswith("Use"))
    return next(buttons, None)
