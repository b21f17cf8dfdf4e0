"""Control the page Releases: history of the open project, rollback, and release of an exported bundle."""

from pathlib import Path
from typing import Any

from app.controllers.commands import RELEASE_EXPORT, on
from app.controllers.compare.examples import changes_value
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.releases.presenter import KEEP_NEWEST, releases_value
from app.controllers.running import JobSlot
from app.controllers.words import error_value
from app.domain.job import ExportRecord
from app.services.flow.steps import Flow, JobError
from app.services.records.decisions import read_decisions
from app.services.records.facts import read_facts
from app.services.release.record import Release, read_current, read_releases
from app.services.release.releasing import prune, release, rollback, save_bundle
from app.services.release.showing import released_examples
from widgets.pages.releases.page import ReleasesPage
from workers.contracts.error_info import ErrorInfo
from workers.contracts.translation import _


class ReleasesController(PageController[ReleasesPage]):
    """Controller of the page Releases; it runs one job at a time and reads the page again afterwards."""

    def __init__(self, context: ControllerContext, page: ReleasesPage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        self._looking = JobSlot(context.flows)
        page.return_requested.connect(self._on_return)
        page.save_requested.connect(self._on_save)
        page.prune_requested.connect(self._on_prune)
        page.examples_wanted.connect(self._on_examples)
        page.again_requested.connect(self.show)
        page.cancel_requested.connect(self._job.cancel)
        context.session.project_changed.connect(self.show)
        self.show()

    def shown(self) -> None:
        """Show what has changed since the last visit."""
        self.show()

    def show(self) -> None:
        """Show the stored releases of the open project."""
        project, repositories = self._session.project, self._session.workspace.repositories
        if self._job.is_busy:
            return
        if project is None:
            self._page.show_empty()
            return
        described = self._session.described
        titles = {row.id: _(row.title) for row in described.targets} if described is not None else {}
        releases, current = read_releases(repositories, project.id), read_current(repositories, project.id)
        log = read_decisions(repositories, project.id)
        self._page.show_value(releases_value(project, releases, current, log, titles))

    def release_export(self, record: ExportRecord) -> None:
        """Make a bundle that was just exported a release, and show it."""
        self._window.show_page("releases")
        try:
            facts = read_facts(self._session.workspace, record.run_id)
        except JobError as error:
            self._on_failed(error.error)
            return
        self._begin(
            release(self._session.workspace, facts, export=record), _("Release a bundle"), _("Compare its answers")
        )

    def _on_return(self, number: int) -> None:
        project = self._session.project
        if project is None:
            return
        flow = rollback(self._session.workspace, project.id, number)
        self._begin(flow, _("Go back to release {0}").format(number), _("Check its bundle"))

    def _begin(self, flow: Flow[Any], title: str, opening: str) -> None:
        if self._job.is_busy:
            return
        self._page.show_loading(opening)
        self._start(
            flow,
            lambda _released: self.show(),
            title=title,
            on_failed=self._on_failed,
            on_cancelled=self.show,
            observe=self._show_stage,
        )

    def _on_failed(self, error: ErrorInfo) -> None:
        self._page.show_error(error_value(error, page_title=_("The release stays unchanged")))

    def _on_save(self, number: int, path: str) -> None:
        found = self._release(number)
        if found is not None:
            self._flows.start(
                save_bundle(self._session.workspace, found, Path(path)),
                title=_("Save the bundle of release {0}").format(number),
                on_done=lambda _path: None,
                on_failed=self._report,
            )

    def _on_prune(self) -> None:
        if self._session.project is not None:
            prune(self._session.workspace, self._session.project.id, KEEP_NEWEST)
            self.show()

    def _on_examples(self, number: int) -> None:
        found = self._release(number)
        judged = found.change.judgement if found is not None and found.change is not None else None
        if found is None or judged is None or not judged.changed_count:
            return
        self._start(
            released_examples(self._session.workspace, found),
            lambda rows: self._page.show_changes(number, changes_value(rows, judged)),
            slot=self._looking,
        )

    def _release(self, number: int) -> Release | None:
        project = self._session.project
        known = read_releases(self._session.workspace.repositories, project.id) if project is not None else ()
        return next((one for one in known if one.number == number), None)


CONTROLLER = ControllerSpec(
    "releases", ReleasesController, does=(on(RELEASE_EXPORT, ReleasesController.release_export),)
)
