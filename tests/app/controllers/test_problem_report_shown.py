"""Error cards, the banner and the guide lead to a problem report, which is shown before it is saved."""

import json
import zipfile
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QFileDialog, QPushButton, QWidget
from read_page import answer, press, question
from records import Drive, described, open_finished, shown_page

from app.controllers.app_controller import AppController
from app.controllers.reporting import ProblemReports
from app.controllers.words import refused_file
from app.services.flow.workspace import Workspace
from app.services.machine.devices import remember
from widgets.main_window import MainWindow
from widgets.parts.buttons import ToggleButton
from widgets.parts.page import Page
from widgets.parts.question import QuestionDialog
from widgets.parts.text import LogText
from workers.contracts.errors import InputRefused

ERROR = InputRefused("unsafe", "This file is not safe to open", "secret model.pt would run it.", "Delete it.").info()


def report_from(window: MainWindow, root: QWidget, drive: Drive) -> QuestionDialog:
    """Press the button, which is shown a turn of the loop after its card, and return the dialog with its files."""
    text = "Save a problem report"
    drive(lambda: [one for one in root.findChildren(QPushButton) if one.text() == text and one.isVisible()])
    press(root, text)
    drive(lambda: [one for one in window.findChildren(ToggleButton) if one.isVisible() and one.text() == "log.txt"])
    return question(window)


def shown_error(dialog: QuestionDialog) -> dict[str, object]:
    """What the dialog shows of error.json."""
    press(dialog, "error.json")
    (text,) = dialog.findChildren(LogText)
    return dict(json.loads(text.toPlainText()))


def test_report_of_a_refused_file_is_read_and_saved(
    app_controller: AppController, window: MainWindow, drive: Drive, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Given a refused file, When its card's button is pressed, Then each file of the report can be read without its
    name; a place that cannot be written is said, and at another one the zip holds what was shown."""
    remember(app_controller.session.workspace.repositories, described())
    page: Page = shown_page(window, "model")
    page.show_error(refused_file(ERROR, "/home/x/secret model.pt"))
    places = iter([str(tmp_path / "none" / "a.zip"), str(tmp_path / "a.zip")])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_given: (next(places), ""))
    shown = shown_error(report_from(window, page, drive))
    assert shown["detail"] == "<file 1>.pt would run it."
    answer(window, "save")
    assert window.notice.property("tone") == "bad"
    report_from(window, page, drive)
    answer(window, "save")
    assert window.notice.property("tone") == "warn"
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert json.loads(archive.read("error.json")) == shown and len(archive.namelist()) == 7


def test_banner_and_guide_lead_to_a_report(app_controller: AppController, window: MainWindow, drive: Drive) -> None:
    """Given an error in the banner, Then the card behind “More” offers the report; the guide offers one without an
    error, and nothing runs on after the dialog is closed."""
    remember(app_controller.session.workspace.repositories, described())
    open_finished(app_controller.session)
    window.show_page("guide")
    dialog = report_from(window, window, drive)
    assert shown_error(dialog) == {}
    dialog.reject()
    window.banner(refused_file(ERROR, "secret model.pt"))
    press(window.notice, "More")
    card = next(one for one in window.findChildren(QDialog) if one.isVisible())
    report_from(window, card, drive).reject()
    drive(lambda: not app_controller.flows.everything)


def test_report_without_a_database_tells_the_error(window: MainWindow, space: Workspace, drive: Drive) -> None:
    """Given a data folder whose database cannot be opened, Then the card of that error offers a report, too."""
    ProblemReports(window, window.property("theme"), space.paths)
    page: Page = shown_page(window, "model")
    page.show_stopped(refused_file(ERROR, "secret model.pt"))
    assert shown_error(report_from(window, page, drive))["code"] == "unsafe"
