"""Tell the person that a run has ended, and let the computer sleep or shut down if they chose so."""

import time

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from app.controllers.page_controller import ControllerContext, PageController
from app.controllers.running import JobSlot, Running
from app.controllers.words import notice
from app.services.flow.steps import DiskStep
from app.services.machine.desktop import notify, possible_powers, use_power
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
        self._power, self._ended = "", 0
        app = QGuiApplication.instance()
        assert isinstance(app, QGuiApplication)
        self._app = app
        self._notifying, self._acting = JobSlot(context.flows), JobSlot(context.flows)
        page.power_chosen.connect(lambda power: setattr(self, "_power", power))
        app.applicationStateChanged.connect(self._on_state)

    def begin(self) -> None:
        """Find out what the computer can do, and offer that on the page."""
        self._start(DiskStep(lambda _stopped: possible_powers()).run(), self._page.set_powers)

    def end(self, running: Running | None, headline: str, *, is_cancelled: bool = False) -> None:
        """Announce the end of a run with the words of the page; after a cancellation by the person do nothing."""
        power = self._power
        self._page.set_power("")
        if is_cancelled or running is None:
            return
        if time.monotonic() - running.started_s >= LONG_S or not _is_in_front():
            self._announce(_("The optimization has ended"), headline)
        if power and not self._keeps_awake():
            question = power_question(self._context.theme, self._window, power)
            ask(question, now=lambda: self._act(power))

    def _announce(self, title: str, text: str) -> None:
        """Notify and count on the icon. A locked screen may show it, so it names neither project nor file."""
        if not _is_in_front():
            self._ended += 1
            self._app.setBadgeNumber(self._ended)

        def on_done(is_shown: bool) -> None:
            if not is_shown and QSystemTrayIcon.isSystemTrayAvailable():
                icon = QSystemTrayIcon(self._window.windowIcon(), self._window)
                icon.show()
                icon.showMessage(title, text)
                QTimer.singleShot(SHOWN_MS, icon, icon.deleteLater)

        self._start(DiskStep(lambda _stopped: notify(title, text)).run(), on_done, slot=self._notifying)

    def _on_state(self, state: Qt.ApplicationState) -> None:
        if state is Qt.ApplicationState.ApplicationActive and self._ended:
            self._ended = 0
            self._app.setBadgeNumber(0)

    def _keeps_awake(self) -> bool:
        """Return whether another job or an open question needs the computer, and show that."""
        is_needed = any(running.title for running in self._flows.everything)
        if is_needed or QApplication.activeModalWidget() is not None:
            self._stay(_("Another job is still running.") if is_needed else _("A question is still open."))
            return True
        return False

    def _stay(self, reason: str) -> None:
        text = _("Choose it again for the next run, or use the menu of your computer.")
        self._window.banner(notice(_("The computer stays on"), reason, text, icon="power"))

    def _act(self, power: str) -> None:
        def on_done(is_done: bool) -> None:
            if not is_done:
                self._stay(_("The system did not allow it, or another program prevents it."))

        if not self._keeps_awake():
            self._start(DiskStep(lambda _stopped: use_power(power)).run(), on_done, slot=self._acting)


def _is_in_front() -> bool:
    return QGuiApplication.applicationState() is Qt.ApplicationState.ApplicationActive
