"""The dialog “Try it on a phone”: nothing listens before the click and after it, and each end is said."""

import functools
import json
from collections.abc import Iterator

import pytest
from example_results import done
from phone_device import HOST, NAME, Device, put_bundle, result
from PySide6.QtWidgets import QAbstractButton
from read_page import button, press, words
from records import Drive, described, shown_page
from shiboken6 import isValid

from app.controllers import phone
from app.controllers.app_controller import AppController
from app.jobs.phone_page import VARIABLE, PhonePage
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from widgets.dialogs.phone import PhoneDialog, QrCode
from widgets.main_window import MainWindow
from widgets.pages.compare.page import ComparePage
from workers.contracts.specs import DescribedTarget

WEB = DescribedTarget(id="web", title="Web page", available=True, runtimes=("onnxruntime-cpu",))


@pytest.fixture
def space(space: Workspace, finished_data: object, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Open the finished run, whose original's web bundle lies unpacked already; the local network is loopback."""
    monkeypatch.setenv(VARIABLE, HOST)
    put_bundle(space.paths.services / "p1" / "phone" / "bundles" / "v0")
    return space


@pytest.fixture
def dialog(page: ComparePage, app_controller: AppController, window: MainWindow) -> Iterator[PhoneDialog]:
    """The dialog as it opens, before anything listens."""
    app_controller.session.set_described(described(WEB))
    press(page, "Try it on a phone…")
    (made,) = window.findChildren(PhoneDialog)
    yield made
    if isValid(made):
        made.reject()


def step(dialog: PhoneDialog) -> str:
    return dialog._view.step if dialog._view is not None else ""


def opened(dialog: PhoneDialog, drive: Drive) -> Device:
    """Show the code by a click and return a device that knows its address."""
    button(dialog, "Show the code").click()
    drive(lambda: step(dialog) == "open", 60)
    return Device(dialog.findChild(QrCode).accessibleName())


def controller_of(page: ComparePage) -> phone.PhoneController:
    return page.findChild(phone.PhoneController)


def test_measured_figures_are_stored_and_shown(
    dialog: PhoneDialog, page: ComparePage, space: Workspace, drive: Drive
) -> None:
    """Given the code, When a device measures, Then dialog and Compare show its figures; closing ends the page."""
    assert "does not run in a browser" in words(dialog) and not controller_of(page)._phone.is_open
    device = opened(dialog, drive)
    device.enter()
    drive(lambda: step(dialog) == "used")
    sent = json.dumps(result(controller_of(page)._phone, "v0"))
    assert device.ask("POST", "/result", sent)[0] == 200
    drive(lambda: step(dialog) == "measured")
    assert NAME in words(dialog) and f"“Original” in {NAME}: 4.0 ms" in words(page)
    assert read_facts(space, "r1").phones["v0"].rows[0].figures.median_ms == 4.0
    dialog.reject()
    assert not device.is_answered


def test_time_that_is_over_is_said_and_a_new_code_is_shown(
    dialog: PhoneDialog, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a page for two seconds, When they are over, Then that is said; a new code has another key."""
    monkeypatch.setattr(PhonePage, "open", functools.partialmethod(PhonePage.open, seconds=2.0))
    first = opened(dialog, drive)
    drive(lambda: step(dialog) == "failed")
    assert "The ten minutes are over" in words(dialog) and not first.is_answered
    button(dialog, "Show a new code").click()
    drive(lambda: step(dialog) == "open", 60)
    assert Device(dialog.findChild(QrCode).accessibleName()).key != first.key


def test_device_that_leaves_or_fails_is_said(
    dialog: PhoneDialog, page: ComparePage, space: Workspace, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a device with the page, When it is silent, Then that is said, and it may come back; When its browser cannot
    start the model, Then the page is closed. Nothing is stored."""
    monkeypatch.setattr(phone, "SILENT_S", 0.5)
    device = opened(dialog, drive)
    device.enter()
    drive(lambda: f"There is no sign of {NAME}" in words(dialog))
    assert device.ask("POST", "/progress", json.dumps({"done": 1, "total": 40}))[0] == 204
    drive(lambda: f"{NAME} has the page" in words(dialog))
    device.ask("POST", "/progress", json.dumps({"failed": True}))
    drive(lambda: step(dialog) == "failed")
    assert "cannot start this model" in words(dialog) and not device.is_answered
    assert not read_facts(space, "r1").phones


def test_dialog_that_is_closed_while_the_page_opens_leaves_nothing(
    dialog: PhoneDialog, page: ComparePage, drive: Drive
) -> None:
    """Given a page that is just being opened, When the dialog is closed, Then nothing listens."""
    controller = controller_of(page)
    button(dialog, "Show the code").click()
    made = controller._phone
    drive(lambda: made._child is not None)
    dialog.reject()
    assert not made.is_open and controller._phone is None


def test_exported_page_leads_to_the_dialog(
    page: ComparePage, app_controller: AppController, window: MainWindow
) -> None:
    """Given an exported bundle, Then only that of a web page offers to try it on a phone, which asks first."""
    app_controller.session.set_described(described(WEB))
    export, (result_, target, checks) = shown_page(window, "export"), done()
    export.show_done(result_, target, checks)
    assert "Try it on a phone…" not in [one.text() for one in export.findChildren(QAbstractButton)]
    export.show_done(result_, WEB, checks)
    button(export, "Try it on a phone…").click()
    (dialog,) = window.findChildren(PhoneDialog)
    assert window.current_page == "compare" and step(dialog) == "ask"
    assert page.isVisible() and not controller_of(page)._phone.is_open
    dialog.reject()


def test_no_network_and_missing_packages_are_said(
    page: ComparePage, app_controller: AppController, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given no local network, or no packages for web pages, Then the dialog says so, and no code can be shown."""
    monkeypatch.setattr(phone, "local_addresses", lambda: ())
    for target, wanted in ((WEB, "no_network"), (WEB.model_copy(update={"available": False}), "missing")):
        app_controller.session.set_described(described(target))
        press(page, "Try it on a phone…")
        dialog = next(one for one in window.findChildren(PhoneDialog) if one.isVisible())
        assert step(dialog) == wanted
        if wanted == "no_network":
            button(dialog, "Look again").click()
            assert step(dialog) == wanted
            dialog.reject()
    button(dialog, "Go to Export").click()
    assert window.current_page == "export"
