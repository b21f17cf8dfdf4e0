"""Installs the packages that mend a rung: what they cost, a yes, the installer's step and what it says, a stop."""

import time
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from app.controllers.flows import FlowRunner, Running
from app.controllers.gpu.words import is_working, setup_failed, was_stopped
from app.controllers.session import Session
from app.controllers.words import tr
from app.services.machine.card_packages import Cost, Heard, Installer, take, what_it_takes
from widgets.pages.gpu.page import GpuPage
from widgets.pages.gpu.questions import install_question
from widgets.pages.gpu.value import InstallingValue
from widgets.parts.cards.error import ErrorValue
from widgets.parts.format import seconds
from widgets.parts.question import QuestionDialog
from workers.contracts.errors import ErrorInfo
from workers.contracts.gpu import InstallSet, install_command
from workers.contracts.jobs import DescribeResult

SAY_EVERY_MS = 300


def own_installer() -> Installer | None:
    """Of the clone that this program is read from; None where it was installed in another way."""
    installer = Installer(Path(__file__).resolve().parents[3])
    return installer if installer.program.is_file() else None


class Installing(QObject):
    """`changed`: the page is to be shown anew; `installed`: the ladder is to be tried again. Between both only the
    card of what is being installed changes (`GpuPage.say_installing`)."""

    changed = Signal()
    installed = Signal()

    def __init__(self, page: GpuPage, session: Session, flows: FlowRunner, installer: Installer | None = None) -> None:
        super().__init__(page)
        self._page, self._session, self._flows = page, session, flows
        self._installer = installer or own_installer()
        self._running: Running | None = None
        self._heard = Heard()
        self._title = ""
        self._is_stopping = self._is_asking = False
        self.trouble: ErrorValue | None = None
        self.command = ""
        self._timer = QTimer(self)
        self._timer.setInterval(SAY_EVERY_MS)
        self._timer.timeout.connect(self._say)
        page.install_requested.connect(self.ask)
        page.cancel_requested.connect(self.cancel)

    @property
    def is_offered(self) -> bool:
        """Whether there is an installer."""
        return self._installer is not None

    @property
    def value(self) -> InstallingValue | None:
        """While it works."""
        if self._running is None:
            return None
        line = tr("Stopping…") if self._is_stopping else self._heard.line
        whole_s = int(time.monotonic() - self._running.started_s)
        elapsed = seconds(whole_s) if whole_s >= 10 else tr("{0} s").format(whole_s)
        return InstallingValue(self._title, line, self._heard.share, elapsed, self._is_stopping)

    def forget_trouble(self) -> None:
        """What went wrong before counts no longer."""
        self.trouble, self.command = None, ""

    def ask(self, name: InstallSet) -> None:
        """Find out what it costs, then ask the person."""
        if self._installer is None or self._is_asking or not self._may_begin(name):
            return
        self._is_asking = True
        self._flows.start(
            what_it_takes(self._installer, name),
            title=tr("Look what is to be installed"),
            on_done=lambda cost: self._on_cost(name, cost),
            on_failed=self._on_failed,
            on_cancelled=self._on_not_asked,
        )

    def cancel(self) -> None:
        """Stop it; the window waits for nothing."""
        if self._running is not None:
            self._is_stopping = True
            self._flows.cancel(self._running)
            self._say()

    def _may_begin(self, name: InstallSet) -> bool:
        """Packages change under whatever works with them."""
        working = [one.title for one in self._flows.everything if one.title]
        self.trouble, self.command = (is_working(working[0]), install_command(name)) if working else (None, "")
        self.changed.emit()
        return not working

    def _on_cost(self, name: InstallSet, cost: Cost) -> None:
        self._is_asking = False
        question = install_question(name, cost.packages, cost.download_bytes, cost.installed_bytes)
        dialog = QuestionDialog(self._page.theme, question, self._page.window())
        dialog.answered.connect(lambda answer: self._begin(name) if answer == "install" else None)
        dialog.open()

    def _begin(self, name: InstallSet) -> None:
        if self._installer is None or not self._may_begin(name):
            return
        self._heard, self._is_stopping = Heard(), False
        self._title = tr("Installing the set “{0}”").format(name)
        self._running = self._flows.start(
            take(self._session.workspace, self._installer, name, self._heard),
            title=self._title,
            on_done=self._on_done,
            on_failed=self._on_failed,
            on_cancelled=lambda: self._on_cancelled(name),
            is_alone=True,
        )
        self._timer.start()
        self.changed.emit()

    def _say(self) -> None:
        value = self.value
        if value is not None:
            self._page.say_installing(value)

    def _end(self) -> None:
        self._timer.stop()
        self._running, self._is_asking = None, False

    def _on_done(self, found: DescribeResult | None) -> None:
        self._end()
        if found is not None:
            self._session.set_described(found)
        self.changed.emit()
        self.installed.emit()

    def _on_failed(self, error: ErrorInfo) -> None:
        self._end()
        self.trouble, self.command = setup_failed(error), str(error.facts.get("command", ""))
        self.changed.emit()

    def _on_cancelled(self, name: InstallSet) -> None:
        self._end()
        self.trouble, self.command = was_stopped(), install_command(name)
        self.changed.emit()

    def _on_not_asked(self) -> None:
        self._is_asking = False
