"""Check the examples in the background after they were read."""

from pathlib import Path

from PySide6.QtCore import Signal

from app.controllers.page_controller import ControllerContext, PageController
from app.controllers.words import STATE_OF_LEVEL
from app.services.data.doctor import check_read
from app.services.flow.events import Event, StepProgress
from app.services.flow.steps import StepResult
from widgets.pages.data.page import DataPage
from widgets.parts.format import percent
from widgets.parts.pictures import PictureValue
from widgets.parts.small import CheckValue
from workers.contracts.data.checks import DataCheckResult, Suspect
from workers.contracts.error_info import ErrorInfo
from workers.contracts.paths import from_text
from workers.contracts.translation import _

FOUND_WHEN_READ = frozenset({"reading", "unreadable", "balance"})
"""Checks whose findings are already among those of the reading."""


class DataChecks(PageController[DataPage]):
    """The checks of the open data set, owned by the page's controller.

    `changed` is emitted when there is more to show. No check runs while an optimization measures.
    """

    changed = Signal()

    def __init__(self, context: ControllerContext, page: DataPage) -> None:
        """Create the checks and follow the session."""
        super().__init__(context, page)
        self._key: str | None = None
        self._result: DataCheckResult | None = None
        self._failed: ErrorInfo | None = None
        self._folder: Path | None = None
        self._share: float | None = None
        self._stage = ""
        context.session.data_changed.connect(self.look)
        context.session.model_changed.connect(self.look)
        context.flows.changed.connect(self._on_flows)

    @property
    def leave_out(self) -> tuple[str, ...]:
        """Return the items that one click can leave out: unreadable ones and copies across calibration and test set."""
        data = self._session.data
        if data is None or data.result.origin == "made":
            return ()
        found = self._result.leave_out if self._result is not None else ()
        return tuple(dict.fromkeys((*data.result.unreadable, *found)))

    def suspects(self) -> tuple[tuple[Suspect, PictureValue], ...]:
        """Return the labels that are probably wrong with their pictures, without those that the user has reviewed."""
        params, folder = self._session.data_params, self._folder
        if self._result is None or params is None or folder is None:
            return ()
        seen = {*params.left_out, *params.relabeled, *params.confirmed}
        return tuple((one, _picture(one, folder)) for one in self._result.suspects if one.source not in seen)

    def look(self) -> None:
        """Start to check the open data set, unless it was checked already."""
        data = self._session.data
        key = data.key if data is not None else None
        if key == self._key and self._failed is None:
            return
        self._key, self._result, self._failed, self._folder = key, None, None, None
        self._job.drop()
        self._begin()

    def rows(self) -> tuple[CheckValue, ...]:
        """Return the rows for the list of checks: findings or progress."""
        if self._result is not None:
            return check_rows(self._result)
        if self._failed is not None:
            return (CheckValue("warn", _("Not everything could be checked: {0}").format(self._failed.detail)),)
        if self._job.is_busy:
            share = percent(self._share, 0) if self._share is not None else ""
            return (CheckValue("running", self._stage or _("Searching for copies and wrong labels"), share),)
        if self._is_wanted():
            return (CheckValue("waiting", _("Copies and wrong labels are searched for after the measurements")),)
        return ()

    def _is_wanted(self) -> bool:
        is_known = self._result is not None or self._failed is not None or self._job.is_busy
        return not is_known and self._session.own_data is not None

    def _begin(self) -> None:
        own = self._session.own_data
        if own is None or not self._is_wanted() or self._flows.runs or not from_text(own[1].path or "").exists():
            return
        model, params, data = own
        self._share, self._stage = None, ""
        self._start(
            check_read(params, data, model.folder),
            self._on_done,
            title=_("Check the examples"),
            on_failed=self._on_failed,
            on_cancelled=lambda: self._on_failed(_stopped()),
            observe=self._on_event,
            yields_to_measurements=True,
            restarts_automatically=True,
        )
        self.changed.emit()

    def _on_flows(self) -> None:
        """Stop for an optimization and start again after it."""
        if self._flows.runs:
            if self._job.is_busy:
                self._job.drop()
                self.changed.emit()
        elif self._is_wanted():
            self._begin()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, StepProgress):
            share, stage = event.done / event.total if event.total else None, _(event.stage)
            if share is None or self._share is None or self._stage != stage or abs(share - self._share) >= 0.01:
                self._stage, self._share = stage, share
                self.changed.emit()

    def _on_done(self, checked: StepResult[DataCheckResult]) -> None:
        self._result, self._folder = checked.result, checked.folder
        self.changed.emit()

    def _on_failed(self, error: ErrorInfo) -> None:
        self._failed = error
        self.changed.emit()


def _stopped() -> ErrorInfo:
    return ErrorInfo(
        code="cancelled",
        title=_("The checks were stopped"),
        detail=_("You stopped the checks."),
        hint=_("Read the examples again to have them checked."),
    )


def check_rows(result: DataCheckResult) -> tuple[CheckValue, ...]:
    """Return the checks without findings, then the findings with the most serious ones first."""
    counts = result.counts
    fine = (
        ("leaked", _("No test example resembles a calibration example")),
        ("near_duplicates", _("No example appears twice, not even slightly changed")),
        ("label_errors", _("No label looks wrong")),
        ("private", _("No private data were found")),
    )
    clean = [CheckValue("ok", words, "0") for name, words in fine if counts.get(name) == 0]
    findings = [finding for finding in result.findings if finding.check not in FOUND_WHEN_READ]
    return (*(CheckValue(STATE_OF_LEVEL[finding.level], _(finding.what)) for finding in findings), *clean)


def _picture(suspect: Suspect, folder: Path) -> PictureValue:
    path = str(folder / suspect.picture) if suspect.picture else ""
    return PictureValue(path=path, name=suspect.source, text=suspect.text)
