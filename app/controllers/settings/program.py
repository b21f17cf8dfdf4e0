"""Control the versions of the program: look for a newer one, install it, and go back."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from app.controllers.flows import FlowRunner
from app.controllers.page_controller import ControllerContext, PageController
from app.controllers.running import Done
from app.controllers.session import Session
from app.controllers.words import error_words, notice
from app.services.flow.steps import DiskStep, Flow
from app.services.machine.optional_sets import InstallerStatus
from app.services.machine.updates.flows import download_update, has_server, install_update, look_for_update
from app.services.machine.updates.index import UpdateIndex, is_newer
from app.services.machine.updates.program import Program
from app.settings import SavedSettings
from widgets.dialogs.program_questions import switch_question
from widgets.dialogs.questions import ask
from widgets.main_window import MainWindow
from widgets.pages.settings.page import SettingsPage
from widgets.pages.settings.program import ProgramRequest, ProgramValue
from widgets.parts.format import size_bytes
from widgets.timers import every
from workers.contracts.error_info import ErrorInfo
from workers.contracts.translation import _

log = logging.getLogger(__name__)

REPORT_EVERY_MS = 300
WEEK = timedelta(days=7)


class ProgramSection(PageController[SettingsPage]):
    """The section of the program's versions on the page Settings, owned by that page's controller.

    A download stops for a measurement and goes on after it. An installation begins when no job runs, and other jobs
    wait for it.
    """

    def __init__(self, context: ControllerContext, page: SettingsPage) -> None:
        """Create the section and connect it to its page."""
        super().__init__(context, page)
        self._program, self._status = Program(), InstallerStatus()
        self._found: UpdateIndex | None = None
        self._at_work = self._message = self._problem = ""
        self._is_wanted = self._is_downloading = False
        self._timer = every(self, REPORT_EVERY_MS, self.show)
        actions: dict[ProgramRequest, Callable[[], None]] = {
            "look": self._on_look, "install": self._on_install, "stop": self._on_stop, "switch": self._on_switch,
            "weekly": self._on_weekly,
        }  # fmt: skip
        page.program_requested.connect(lambda request: actions[request]())
        context.flows.changed.connect(self._on_flows)
        self.show()

    def show(self) -> None:
        """Show the versions and the progress."""
        program, found, running = self._program, self._found, self._job.running
        file = found.archive(program.platform, program.current) if found is not None else None
        share, at_work = self._status.share, self._at_work
        if running is not None and self._is_downloading and file is not None:
            share = running.progress.share if running.progress is not None else None
            done = size_bytes(int((share or 0) * file.size_bytes))
            at_work = _("{0}: {1} of {2}").format(at_work, done, size_bytes(file.size_bytes))
        elif running is not None and running.driver is None:
            at_work = _("The installation waits until other work is done.")
        elif running is None and self._is_wanted:
            at_work = _("The download goes on after the measurement.")
        self._page.show_section(
            ProgramValue(
                kind=program.kind,
                version=program.version,
                place=str(program.folder),
                has_server=has_server(),
                next_version=program.next_version,
                other_version=program.other_version,
                goes_back=goes_back(program),
                found=found.version if found is not None else "",
                download_bytes=file.size_bytes if file is not None else 0,
                notes=found.notes if found is not None else "",
                is_weekly=self._settings.value.weekly_updates,
                at_work=at_work if running is not None or self._is_wanted else "",
                share=share,
                message=self._message,
                problem=self._problem,
            )
        )

    def _begin(
        self,
        at_work: str,
        flow: Flow[Any],
        on_done: Done,
        on_stop: Callable[[], None],
        *,
        title: str = "",
        yields_to_measurements: bool = False,
        exclusive: bool = False,
    ) -> None:
        """Start a flow and show its sentence; the last three are options of `FlowRunner.start`."""
        self._at_work, self._message, self._problem = at_work, "", ""
        self._timer.start()
        self._start(
            flow, on_done, title=title, on_failed=self._on_failed, on_cancelled=on_stop,
            yields_to_measurements=yields_to_measurements, exclusive=exclusive,
        )  # fmt: skip
        self.show()

    def _end(self, message: str = "", problem: str = "") -> None:
        self._timer.stop()
        self._message, self._problem, self._status = message, problem, InstallerStatus()
        self._is_wanted = self._is_downloading = False
        self.show()

    def _on_failed(self, error: ErrorInfo) -> None:
        log.warning("%s: %s %s", error.code, error.detail, error.traceback)
        self._end(problem=error_words(error))

    def _on_look(self) -> None:
        if not self._job.is_busy:
            flow = look_for_update(self._session.workspace, self._program, self._settings.value.updates_issued)
            self._begin(_("Looking for a newer version…"), flow, self._on_looked, self._end)

    def _on_looked(self, index: UpdateIndex) -> None:
        self._found = newer(index, self._program, self._settings)
        self._end("" if self._found is not None else _("This is the newest version."))

    def _on_install(self) -> None:
        if self._found is not None and not self._job.is_busy:
            self._is_wanted = True
            self._on_flows()
            self.show()

    def _on_flows(self) -> None:
        """Begin the download, or go on after a measurement, which stops it."""
        if self._is_wanted and self._found is not None and not self._job.is_busy and not self._flows.runs:
            self._is_downloading = True
            flow = download_update(self._session.workspace, self._program, self._found)
            title = _("Downloading version {0}").format(self._found.version)
            self._begin(title, flow, self._on_downloaded, self._on_paused, title=title, yields_to_measurements=True)

    def _on_paused(self) -> None:
        self._is_downloading = False
        if self._is_wanted:
            self._on_flows()
            self.show()
        else:
            self._end(_("The download was stopped. It goes on from there the next time."))

    def _on_downloaded(self, archive: Path) -> None:
        if self._found is None:
            return
        self._is_wanted = self._is_downloading = False
        flow = install_update(self._session.workspace, self._program, self._found, archive, self._status)
        title = _("Installing and testing version {0}…").format(self._found.version)
        stopped = partial(self._end, _("The installation was stopped. The program works as before."))
        self._begin(title, flow, self._on_changed, stopped, title=title, exclusive=True)

    def _on_changed(self, _nothing: object) -> None:
        self._found = None
        self._end()

    def _on_stop(self) -> None:
        self._is_wanted = False
        if self._job.is_busy:
            self._job.cancel()
            self.show()
        else:
            self._on_paused()

    def _on_weekly(self) -> None:
        self._settings.save(weekly_updates=not self._settings.value.weekly_updates)
        self.show()

    def _on_switch(self) -> None:
        program = self._program
        dialog = switch_question(
            self._context.theme, self._window, program.other_version, program.next_version, goes_back=goes_back(program)
        )
        ask(dialog, switch=self._switch)

    def _switch(self) -> None:
        if not self._job.is_busy:
            flow = DiskStep(partial(self._program.switch, self._status), ends_late=True).run()
            testing = _("Testing version {0}…").format(self._program.other_version)
            self._begin(testing, flow, self._on_changed, self._end)


def goes_back(program: Program) -> bool:
    """Return whether the other installed version is older than the one that the next start runs."""
    other, following = program.other_version, program.next_version
    return not other or not following or is_newer(following, other)


def newer(index: UpdateIndex, program: Program, settings: SavedSettings) -> UpdateIndex | None:
    """Record that the index was seen, and return it if its version is newer than the installed one."""
    settings.try_to_save(updates_looked_at=datetime.now(UTC), updates_issued=index.issued)
    return index if is_newer(index.version, program.current or program.version) else None


class WeeklyLook(QObject):
    """The look for a newer version at the start, once a week and only if the person agreed; owned by `AppController`.

    It also removes what an interrupted installation left.
    """

    def __init__(
        self, window: MainWindow, session: Session, flows: FlowRunner, settings: SavedSettings, parent: QObject
    ) -> None:
        """Create the look without starting it."""
        super().__init__(parent)
        self._window, self._session, self._flows, self._settings = window, session, flows, settings
        self._program = Program()

    def begin(self) -> None:
        """Remove leftovers of interrupted installations, and look for a newer version if a week has passed."""
        if self._program.has_leftovers():
            flow = DiskStep(self._program.clean, ends_late=True).run()
            self._start_quietly(flow, lambda _nothing: log.info("leftovers of versions were removed"))
        settings = self._settings.value
        looked_at, now = settings.updates_looked_at, datetime.now(UTC)
        is_due = looked_at is None or not timedelta() <= now - looked_at < WEEK
        if settings.weekly_updates and is_due and has_server() and self._program.kind == "own":
            looking = look_for_update(self._session.workspace, self._program, settings.updates_issued)
            self._start_quietly(looking, self._on_looked)

    def _start_quietly(self, flow: Flow[Any], on_done: Done) -> None:
        self._flows.start(
            flow, title="", on_done=on_done, on_failed=lambda error: log.warning("%s: %s", error.code, error.detail)
        )

    def _on_looked(self, index: UpdateIndex) -> None:
        found = newer(index, self._program, self._settings)
        if found is not None:
            title = _("Version {0} can be installed").format(found.version)
            self._window.banner(
                notice(
                    title,
                    _("You have version {0}.").format(self._program.version),
                    _("Look for it in Settings, under “This program”."),
                    icon="info",
                )
            )
