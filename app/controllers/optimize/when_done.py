"""Tell the person that a run has ended, and let the computer sleep or shut down if they chose so."""

import time

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from app.controllers.page_controller import ControllerContext, PageController
from app.controllers.running import JobSlot, Running
from app.controllers.words import notice
from app.services.machine.desktop import METHODS, Power, in_background, notify, possible_powers, use_power
from widgets.dialogs.questions import ask
from widgets.dialogs.when_done import power_question
from widgets.pages.optimize.page import OptimizePage
from workers.contracts.translation import _

LONG_S = 60.0
"""Seconds from which on the end of a run is announced although the window is in front."""
SHOWN_MS = 15_000


class WhenDone(PageController[OptimizePage]):
    """What follows a run, owned by the controller of the page Optimize. The choice holds for one run only."""

    def __init__(self, context: ControllerContext, page: OptimizePage) -> None:
        """Create the section and connect it to the page's choice."""
        super().__init__(context, page)
        self._power: Power | None = None
        self._ended = 0
        self._notifying, self._acting = JobSlot(context.flows), JobSlot(context.flows)
        page.power_chosen.connect(self._choose)
        _application().applicationStateChanged.connect(self._on_state)

    def begin(self) -> None:
        """Find out what the computer can do, and offer that on the page."""
        self._start(in_background(possible_powers), self._page.set_powers)

    def end(self, running: Running | None, headline: str, *, is_cancelled: bool = False) -> None:
        """Announce the end of a run with the words of the page; after a cancellation by the person do nothing."""
        power, self._power = self._power, None
        self._page.set_power("")
        if is_cancelled or running is None:
            return
        if time.monotonic() - running.started_s >= LONG_S or not _is_in_front():
            self._announce(_("The optimization has ended"), headline)
        if power is not None and not self._keeps_awake():
            question = power_question(self._context.theme, self._window, power)
            ask(question, now=lambda: self._act(power))

    def _choose(self, power: str) -> None:
        self._power = next((one for one in METHODS if one == power), None)

    def _announce(self, title: str, text: str) -> None:
        """Notify and count on the icon. A locked screen may show it, so it names neither project nor file."""
        if not _is_in_front():
            self._ended += 1
            _application().setBadgeNumber(self._ended)

        def on_done(is_shown: bool) -> None:
            if not is_shown and QSystemTrayIcon.isSystemTrayAvailable():
                icon = QSystemTrayIcon(self._window.windowIcon(), self._window)
                icon.show()
                icon.showMessage(title, text)
                QTimer.singleShot(SHOWN_MS, icon, icon.deleteLater)

        self._start(in_background(lambda: notify(title, text)), on_done, slot=self._notifying)

    def _on_state(self, state: Qt.ApplicationState) -> None:
        if state is Qt.ApplicationState.ApplicationActive and self._ended:
            self._ended = 0
            _application().setBadgeNumber(0)

    def _keeps_awake(self) -> bool:
        """Return whether another job or an open question needs the computer, and show that."""
        is_needed = any(running.title for running in self._flows.everything)
        if is_needed or QApplication.activeModalWidget() is not None:
            happened = _("Another job is still running.") if is_needed else _("A question is still open.")
            text = _("Choose it again for the next run, or use the menu of your computer.")
            self._window.banner(notice(_("The computer stays on"), happened, text, icon="power"))
            return True
        return False

    def _act(self, power: Power) -> None:
        if not self._keeps_awake():
            self._start(in_background(lambda: use_power(power)), self._on_acted, slot=self._acting)

    def _on_acted(self, is_done: bool) -> None:
        if not is_done:
            happened = _("The system did not allow it, or another program prevents it.")
            text = _("Use the menu of your computer.")
            self._window.banner(notice(_("The computer stays on"), happened, text, icon="power"))


def _is_in_front() -> bool:
    return _application().applicationState() is Qt.ApplicationState.ApplicationActive


def _application() -> QGuiApplication:
    """Return the application, which is there while a controller is."""
    found = QGuiApplication.instance()
    assert isinstance(found, QGuiApplication)
    return found
