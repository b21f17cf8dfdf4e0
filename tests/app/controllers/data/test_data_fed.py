"""Tests of the card with the inputs that the model receives, in the real window."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from read_page import words
from records import Drive

from app.controllers.app_controller import AppController
from app.controllers.data.controller import DataController
from app.controllers.data.fed import DataFed
from app.controllers.model.controller import ModelController
from presets.sample import sample_paths
from widgets.main_window import MainWindow
from widgets.pages.data.doctor import DoctorCard
from widgets.pages.data.fed import FedCard, FedValue
from widgets.pages.data.page import DataPage
from widgets.parts.pictures import PictureLabel
from workers.contracts.jobs import OpenParams


@pytest.fixture
def open_with(
    app_controller: AppController, window: MainWindow, drive: Drive, tmp_path: Path
) -> Callable[..., FedCard]:
    """Return a function that opens the sample's model, reads arrays and returns the card once it has a result."""

    def run(**arrays: np.ndarray) -> FedCard:
        np.savez(tmp_path / "some.npz", **arrays)
        if app_controller.session.model is None:
            app_controller.controller("model", ModelController).open(OpenParams(path=str(sample_paths().model)))
            drive(lambda: app_controller.session.model is not None, 90)
        window.show_page("data")
        before = app_controller.session.data
        app_controller.controller("data", DataController).read_path(str(tmp_path / "some.npz"))
        drive(
            lambda: app_controller.session.data is not before and value_of(app_controller).state in ("done", "failed"),
            90,
        )
        QApplication.processEvents()
        page = window.page("data")
        assert isinstance(page, DataPage)
        card = page.findChild(FedCard)
        assert card is not None
        return card

    return run


def value_of(app_controller: AppController) -> FedValue:
    return fed_of(app_controller)._value


def fed_of(app_controller: AppController) -> DataFed:
    fed = app_controller.controller("data", DataController)._fed
    assert isinstance(fed, DataFed)
    return fed


def prepared(window: MainWindow) -> str:
    """Return what the card of the preparation shows about it."""
    card = window.page("data").findChild(DoctorCard)
    return card._chosen.text()


@pytest.mark.whole
def test_card_shows_prepared_pictures_and_unchanged_arrays(
    app_controller: AppController, open_with: Callable[..., FedCard]
) -> None:
    """Given the sample's pictures, then three are shown as the model receives them, without findings. When arrays of
    the model's shape follow, then the card shows that nothing is prepared."""
    with np.load(sample_paths().data) as stored:
        pictures, labels, classes = stored["x"][:100], stored["y"][:100], stored["classes"]
    card = open_with(x=pictures, y=labels, classes=classes)
    value = value_of(app_controller)
    assert value.state == "done" and value.result.findings == () and len(value.result.examples) == 3
    for example in value.result.examples:
        assert example.picture is not None and (value.folder / example.picture).is_file()
    assert "Prepared: " in words(card) and len(card.findChildren(PictureLabel)) == 3
    values = (pictures.astype(np.float32) / 255 - 0.286) / 0.353
    card = open_with(x=values.reshape(100, 1, 28, 28), y=labels, classes=classes)
    assert "Used unchanged" in words(card) and " to " in words(card)
    assert [finding.level for finding in value_of(app_controller).result.findings] == ["info"]


def test_card_waits_for_measurements(
    app_controller: AppController,
    window: MainWindow,
    open_with: Callable[..., FedCard],
    drive: Drive,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given a measurement, then the card waits for it and is filled afterwards. The card of the preparation shows why
    it does not name the preparation yet."""
    with np.load(sample_paths().data) as stored:
        open_with(x=stored["x"][:60])
    fed = fed_of(app_controller)
    assert prepared(window) not in ("", "Reading…"), "it is known"
    runs = [SimpleNamespace(started_s=0.0)]
    monkeypatch.setattr(type(app_controller.flows), "runs", property(lambda _self: tuple(runs)))
    fed._value = FedValue()
    fed.show()
    assert value_of(app_controller).state == "waiting" and not fed._job.is_busy
    assert prepared(window) == "Shown as soon as nothing is being measured."
    runs.clear()
    app_controller.flows.changed.emit()
    assert value_of(app_controller).state == "running"
    assert prepared(window) == "Reading…"
    runs.append(SimpleNamespace(started_s=0.0))
    app_controller.flows.changed.emit()
    assert value_of(app_controller).state == "waiting" and not fed._job.is_busy
    runs.clear()
    app_controller.flows.changed.emit()
    drive(lambda: value_of(app_controller).state == "done", 90)
    assert prepared(window) not in ("", "Reading…")
