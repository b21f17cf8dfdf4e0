"""What the model is fed, in the real window: found beside everything else, shown with its pictures, never in the way."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from desk import Drive
from PySide6.QtWidgets import QApplication, QLabel

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
    """Open the sample's model and read these arrays; gives the card once something is told."""

    def run(**arrays: np.ndarray) -> FedCard:
        np.savez(tmp_path / "some.npz", **arrays)
        if app_controller.session.model is None:
            app_controller.controller("model", ModelController).open(OpenParams(path=str(sample_paths().model)))
            drive(lambda: app_controller.session.model is not None, 90)
        window.show_page("data")
        before = app_controller.session.data
        app_controller.controller("data", DataController).read_path(str(tmp_path / "some.npz"))
        drive(
            lambda: app_controller.session.data is not before and value_of(app_controller).state in ("told", "failed"),
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


def said(card: FedCard) -> str:
    return "\n".join(label.text() for label in card.findChildren(QLabel) if label.isVisibleTo(card))


def prepared(window: MainWindow) -> str:
    """Return what the card of the preparation says of it."""
    card = window.page("data").findChild(DoctorCard)
    return card._chosen.text()


@pytest.mark.whole
def test_pictures_with_labels_and_arrays_without(
    app_controller: AppController, open_with: Callable[..., FedCard]
) -> None:
    """Given the sample's pictures, Then three are shown as they go in and nothing is suspected; When arrays of the
    model's own shape follow, Then it is told that nothing is prepared."""
    with np.load(sample_paths().data) as stored:
        pictures, labels, classes = stored["x"][:100], stored["y"][:100], stored["classes"]
    card = open_with(x=pictures, y=labels, classes=classes)
    value = value_of(app_controller)
    assert value.state == "told" and value.result.findings == () and len(value.result.examples) == 3
    for example in value.result.examples:
        assert example.picture is not None and (value.folder / example.picture).is_file()
    assert "Prepared: " in said(card) and len(card.findChildren(PictureLabel)) == 3
    values = (pictures.astype(np.float32) / 255 - 0.286) / 0.353
    card = open_with(x=values.reshape(100, 1, 28, 28), y=labels, classes=classes)
    assert "Used unchanged" in said(card) and " to " in said(card)
    assert [finding.level for finding in value_of(app_controller).result.findings] == ["info"]


def test_what_measures_goes_first(
    app_controller: AppController,
    window: MainWindow,
    open_with: Callable[..., FedCard],
    drive: Drive,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given a measurement that runs, Then the card waits for it; When it ends, Then the card is filled. The card of the
    preparation says each time why it does not name it yet."""
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
    drive(lambda: value_of(app_controller).state == "told", 90)
    assert prepared(window) not in ("", "Reading…")
