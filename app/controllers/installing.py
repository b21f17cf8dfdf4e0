"""Install and remove optional sets of packages from the window: size, consent, progress and stop."""

import time
from collections.abc import Callable, Iterable
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.controllers.page_controller import ControllerContext
from app.controllers.running import JobSlot
from app.controllers.words import first_line, notice
from app.paths import DataFolderUnusable
from app.services.flow.background import Stopped
from app.services.flow.steps import DiskStep, Flow
from app.services.machine.optional_sets import Cost, Installer, InstallerStatus, change_sets
from app.set_folders import CODE, sets_root
from widgets.dialogs.questions import ask
from widgets.parts.cards.error import ErrorValue
from widgets.parts.format import seconds
from widgets.parts.installing.question import install_question
from widgets.parts.installing.row import InstallingPage
from widgets.parts.installing.value import InstallingValue, SetValue
from widgets.parts.question import QuestionDialog
from widgets.timers import every
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import DescribeResult
from workers.contracts.optional_sets import CARD_SETS, OptionalSet
from workers.contracts.translation import _

REPORT_EVERY_MS = 300
UNKNOWN = Cost(packages=1, download_bytes=0, installed_bytes=0)
"""Cost of a set until the installer has determined it."""


def own_installer() -> Installer | None:
    """Return the installer of this program; None if it has none."""
    try:
        installer = Installer(CODE, sets_root())
    except DataFolderUnusable:
        return None
    return installer if installer.program.is_file() else None


class Installing(QObject):
    """The installation of one page's sets, in its rows; owned by that page's controller.

    `changed` means that the page must show its value again. `installed` means that a set is complete.
    """

    changed = Signal()
    installed = Signal()

    def __init__(
        self,
        context: ControllerContext,
        page: InstallingPage,
        names: Callable[[], Iterable[OptionalSet | None]],
        installer: Installer | None = None,
    ) -> None:
        """Create the installation for a page whose rows offer the sets that `names()` returns.

        Failures go to the banner. `installer` None means the program's own installer.
        """
        super().__init__(page)
        self._page, self._session, self._flows, self._names = page, context.session, context.flows, names
        self._banner = context.window.banner
        self._installer = installer or own_installer()
        self._job, self._asking = JobSlot(self._flows), JobSlot(self._flows)
        self._name: OptionalSet = "base"
        self._costs: dict[OptionalSet, Cost] = {}
        self._weighing: dict[OptionalSet, JobSlot] = {}
        self._heard = InstallerStatus()
        self._is_stopping = False
        self._trouble: ErrorValue | None = None
        self._timer = every(self, REPORT_EVERY_MS, self._show)
        self.changed.connect(self._show)
        page.install_requested.connect(self.request)
        page.stop_install_requested.connect(self.cancel)
        page.removal_requested.connect(self.remove)

    def offers(self, name: OptionalSet | None) -> bool:
        """Return whether the window can install a set."""
        return name is not None and self._installer is not None and self._installer.offers(name)

    @property
    def value(self) -> InstallingValue | None:
        """Return the progress of the installation; None if none runs."""
        if self._job.running is None:
            return None
        line = _("Stopping…") if self._is_stopping else self._heard.line
        whole_s = int(time.monotonic() - self._job.running.started_s)
        elapsed = seconds(whole_s) if whole_s >= 10 else _("{0} s").format(whole_s)
        return InstallingValue(line, self._heard.share, elapsed, self._is_stopping)

    def set_value(self, name: OptionalSet | None) -> SetValue | None:
        """Return set `name` in the form of a row; None if the window cannot install it."""
        if name is None or not self.offers(name):
            return None
        cost = self._costs.get(name, UNKNOWN)
        at_work = self.value if name == self._name else None
        return SetValue(name, cost.download_bytes or None, at_work, not cost.packages, cost.used_bytes)

    def weigh(self, *names: OptionalSet | None, again: bool = False) -> None:
        """Determine the cost of sets that a page shows, or determine it `again`; emits `changed` afterwards."""
        installer = self._installer
        for name in dict.fromkeys(names):
            if installer is None or name is None or not self.offers(name) or (name in self._costs and not again):
                continue
            self._costs.setdefault(name, UNKNOWN)
            self._flows.start(
                _cost(installer, name),
                title="",
                on_done=partial(self._on_weighed, name),
                on_failed=lambda _error: None,
                slot=self._weighing.setdefault(name, JobSlot(self._flows)),
            )

    def _show(self) -> None:
        for name in set(self._names()):
            value = self.set_value(name)
            if value is not None:
                self._page.show_set(value)

    def _set_trouble(self, trouble: ErrorValue | None) -> None:
        """Show why the last installation failed, None if it did not."""
        if trouble != self._trouble:
            self._trouble = trouble
            self._banner(trouble)
        self.changed.emit()

    def request(self, name: OptionalSet) -> None:
        """Install a set; asks first if the set replaces packages of a clone or if its size is unknown."""
        if self._installer is None or self._asking.is_busy or not self._may_begin():
            return
        cost, replaces = self._costs.get(name), name in CARD_SETS and self._installer.is_clone
        if not replaces and cost is not None and cost.download_bytes:
            self._begin(name)
            return
        self._flows.start(
            _cost(self._installer, name),
            title=_("Check what will be installed"),
            on_done=lambda found: self._on_cost(name, found),
            on_failed=self._on_failed,
            slot=self._asking,
        )

    def remove(self, name: OptionalSet) -> None:
        """Remove a set, unless a job runs that may use it."""
        if self._installer is not None and self._may_begin():
            self._heard = InstallerStatus(_("Removing…"))
            self._run(name, self._installer, partial(self._installer.remove, name), _("Removing…"))

    def cancel(self) -> None:
        """Stop the installation without waiting for its end."""
        if self._job.is_busy:
            self._is_stopping = True
            self._job.cancel()
            self._show()

    def _may_begin(self) -> bool:
        """Return False while a job runs, because the installation would change packages that the job uses."""
        working = [one.title for one in self._flows.everything if one.title]
        self._set_trouble(is_working(working[0]) if working else None)
        return not working

    def _on_weighed(self, name: OptionalSet, cost: Cost) -> None:
        self._costs[name] = cost
        self.changed.emit()

    def _on_cost(self, name: OptionalSet, cost: Cost) -> None:
        self._costs[name] = cost
        question = install_question(name, cost.packages, cost.download_bytes, cost.installed_bytes)
        ask(QuestionDialog(self._page.theme, question, self._page.window()), install=lambda: self._begin(name))

    def _begin(self, name: OptionalSet) -> None:
        if self._installer is None or not self._may_begin():
            return
        self._heard = InstallerStatus()
        work = partial(self._installer.take, name, self._heard)
        self._run(name, self._installer, work, _("Installing the set “{0}”").format(name))

    def _run(self, name: OptionalSet, installer: Installer, work: Callable[[Stopped], None], title: str) -> None:
        self._is_stopping, self._name = False, name
        self._flows.start(
            change_sets(self._session.workspace, installer, work),
            title=title,
            on_done=self._on_done,
            on_failed=self._on_failed,
            on_cancelled=lambda: self._end(was_stopped()),
            exclusive=True,
            slot=self._job,
        )
        self._timer.start()
        self.changed.emit()

    def _on_done(self, described: DescribeResult | None) -> None:
        if described is not None:
            self._session.set_described(described)
        self._end(None)
        self.installed.emit()

    def _on_failed(self, error: ErrorInfo) -> None:
        self._end(setup_failed(error))

    def _end(self, trouble: ErrorValue | None) -> None:
        self._timer.stop()
        self.weigh(self._name, again=True)
        self._set_trouble(trouble)


def _cost(installer: Installer, name: OptionalSet) -> Flow[Cost]:
    return DiskStep(partial(installer.cost, name), ends_late=True).run()


def is_working(title: str) -> ErrorValue:
    """Return the refusal to change packages under a running job."""
    return notice(
        _("Nothing can be installed or removed while something runs"),
        _("“{0}” is running, and needs the packages that would change.").format(title),
        _("Try again when that is done, or stop it on the page Jobs."),
        is_safe=_("Yes. Nothing was changed, and the work continues."),
    )


def was_stopped() -> ErrorValue:
    """Return the message after the user stopped the installation."""
    return notice(
        _("The installation was stopped"),
        _("What was downloaded is kept, and nothing incomplete is used."),
        _("Install it again: it continues where it stopped."),
        is_safe=_("Yes. Models, data and results were not touched."),
    )


def setup_failed(error: ErrorInfo) -> ErrorValue:
    """Return the installer's own reason as an error card."""
    return ErrorValue(
        title=error.title,
        happened=first_line(error.detail),
        is_safe=_("Yes. Only Fettle's own packages changed. Models, data and results are unchanged."),
        next_step=error.hint,
        details=error.traceback,
    )
