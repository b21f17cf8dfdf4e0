"""Control the disk space section of Settings: sizes by project, a forecast before removal, and a limit."""

import logging
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer

from app.controllers.flows import FlowRunner
from app.controllers.page_controller import ControllerContext, PageController
from app.controllers.running import JobSlot
from app.controllers.session import Session
from app.services.projects.projects import trashed_projects
from app.services.projects.storage import KEEP_DAYS, Freed, Storage, free, survey
from app.settings import SavedSettings
from widgets.dialogs.questions import ask
from widgets.dialogs.storage_questions import free_question
from widgets.pages.settings.page import SettingsPage
from widgets.pages.settings.storage import StorageState, StorageValue
from widgets.parts.format import clipped, size_bytes
from workers.contracts.error_info import ErrorInfo
from workers.contracts.translation import _

log = logging.getLogger(__name__)

MOST_POINTS, MAX_NAME = 4, 60


class StorageSection(PageController[SettingsPage]):
    """The storage section of the page Settings, owned by that page's controller.

    It counts whenever the page is shown, but never during a measurement.
    """

    def __init__(self, context: ControllerContext, page: SettingsPage) -> None:
        """Create the section and connect it to its page."""
        super().__init__(context, page)
        self._is_freeing = self._is_wanted = False
        self._storage: Storage | None = None
        self._message = self._problem = ""
        page.free_space_requested.connect(self._on_free)
        page.store_limit_changed.connect(self._on_limit)
        context.flows.changed.connect(self._on_flows)

    def shown(self) -> None:
        """Count the bytes of the store."""
        self._is_wanted, self._message, self._problem = True, "", ""
        self._count()

    def left(self) -> None:
        """Count no more after the current count."""
        self._is_wanted = False

    def _on_limit(self, limit_bytes: int | None) -> None:
        self._settings.save(store_limit_bytes=limit_bytes)
        self._show()

    def _count(self) -> None:
        if not self._job.is_busy and not self._flows.runs:
            self._begin(is_freeing=False)
        self._show()

    def _begin(self, *, is_freeing: bool) -> None:
        self._is_freeing, space = is_freeing, self._session.workspace
        self._start(
            free(space) if is_freeing else survey(space),
            self._on_done,
            title=_("Free space") if is_freeing else "",
            on_failed=self._on_failed,
            on_cancelled=lambda: self._on_failed(None),
            restarts_automatically=True,
            yields_to_measurements=True,
        )
        self._show()

    def _on_flows(self) -> None:
        """Count again after a measurement, which stops the count."""
        if self._is_wanted and self._storage is None and not self._job.is_busy:
            self._count()
        elif self._is_wanted:
            self._show()

    def _on_done(self, found: Storage | Freed) -> None:
        if isinstance(found, Freed):
            self._message = _("{0} were freed.").format(size_bytes(found.size_bytes))
            found = found.storage
        self._storage = found
        self._show()

    def _on_failed(self, error: ErrorInfo | None) -> None:
        """Show the error; without one the job was stopped, and the next count shows what was removed."""
        if error is not None:
            self._problem = f"{error.detail} {error.hint}"
        elif self._is_freeing:
            self._storage = None
        self._show()

    def _on_free(self) -> None:
        """Ask the user with a list of what is removed and what stays; nothing is removed before the confirmation."""
        storage = self._storage
        if storage is None or self._job.is_busy or self._flows.runs:
            return
        if not storage.freeable_bytes:
            self._message = _("There is nothing to free: everything is needed.")
            self._show()
            return
        size = size_bytes(storage.freeable_bytes)
        ask(free_question(self._context.theme, self._window, size, forecast(storage)), free=self._free)

    def _free(self) -> None:
        if not self._job.is_busy and not self._flows.runs:
            self._begin(is_freeing=True)

    def _show(self) -> None:
        storage, limit = self._storage, self._settings.value.store_limit_bytes
        state: StorageState = "waiting" if self._flows.runs else "counting" if storage is None else "known"
        value = StorageValue(
            state, limit_bytes=limit, keep_days=KEEP_DAYS, message=self._message, problem=self._problem
        )
        if storage is not None:
            away = {project.id for project, _unused in trashed_projects(self._session.workspace.repositories)}
            value = replace(
                value,
                state="freeing" if self._job.is_busy and self._is_freeing else state,
                projects=tuple(
                    (one.title, one.size_bytes, one.freeable_bytes, one.id in away) for one in storage.projects
                ),
                size_bytes=storage.size_bytes,
                freeable_bytes=storage.freeable_bytes,
                other_bytes=storage.other_bytes,
                other_freeable_bytes=storage.other_freeable_bytes,
            )
        self._page.show_section(value)


def forecast(storage: Storage) -> tuple[str, ...]:
    """Return one sentence for each removal, the largest first, and one for what stays."""
    shares = sorted(((one.freeable_bytes, one.title) for one in storage.projects if one.freeable_bytes), reverse=True)
    points = [
        _("{0} of “{1}”: intermediate results that a run can make again").format(
            size_bytes(size), clipped(title, MAX_NAME)
        )
        for size, title in shares[:MOST_POINTS]
    ]
    if of_none := storage.other_freeable_bytes:
        points.append(_("{0} of deleted projects and of work outside of runs").format(size_bytes(of_none)))
    more = shares[MOST_POINTS:]
    if more:
        points.append(_("{0} of {1} more projects").format(size_bytes(sum(size for size, _unused in more)), len(more)))
    left = size_bytes(storage.size_bytes - storage.freeable_bytes)
    points.append(_("{0} stay: all projects, their versions and results, and all releases").format(left))
    return tuple(points)


class StoreLimit(QObject):
    """The limit of the store; owned by `AppController`.

    It removes unneeded data beyond the user's limit, the oldest first. It acts at the start of the window, and after
    the last run, export or other job with a title. It stops for a measurement and acts again after that.
    """

    def __init__(self, session: Session, flows: FlowRunner, settings: SavedSettings, parent: QObject) -> None:
        """Create the limit and follow the flows."""
        super().__init__(parent)
        self._session, self._flows, self._settings = session, flows, settings
        self._job, self._was_working = JobSlot(flows), False
        flows.changed.connect(self._on_flows)

    def hold(self) -> None:
        """Start to free space, unless there is no limit or a job runs."""
        limit_bytes = self._settings.value.store_limit_bytes
        if limit_bytes is None or self._job.is_busy or self._is_working:
            return
        self._flows.start(
            free(self._session.workspace, most_bytes=limit_bytes),
            title="",
            on_done=lambda freed: log.info("%d bytes freed to hold the limit of %d", freed.size_bytes, limit_bytes),
            on_failed=lambda error: log.warning("the limit could not be held: %s", error.detail),
            on_cancelled=lambda: log.info("stopped to hold the limit: something measures"),
            slot=self._job,
            restarts_automatically=True,
            yields_to_measurements=True,
        )

    @property
    def _is_working(self) -> bool:
        return any(one.title for one in self._flows.everything)

    def _on_flows(self) -> None:
        is_working, was_working = self._is_working, self._was_working
        self._was_working = is_working
        if was_working and not is_working:
            QTimer.singleShot(0, self, self.hold)  # after the result of the ended job is recorded
