"""Check on the page Data which preparation of the inputs fits, show the evidence and pass on the user's choice."""

from dataclasses import replace

from PySide6.QtCore import QTimer, Signal

from app.controllers.page_controller import ControllerContext, PageController
from app.services.data.doctor import StoredCheck, check_preparation, read_check, store_check
from app.services.flow.events import Event, StepProgress
from widgets.pages.data.doctor import DoctorValue, WayValue
from widgets.pages.data.page import DataPage
from widgets.parts.format import percent, percent_range
from widgets.parts.small import CheckState
from workers.contracts.data.doctor import DoctorResult, DoctorVerdict, WayTried
from workers.contracts.errors import ErrorInfo
from workers.contracts.translation import _

STATES: dict[DoctorVerdict, CheckState] = {"fits": "ok", "better": "warn", "far_better": "bad", "unclear": "warn"}
SHOWN = 4


class DataDoctor(PageController):
    """The check of the input preparation, owned by the page's controller.

    `taken(spec)` is emitted when the user takes another preparation. The result stays until model or data change.
    """

    taken = Signal(str)

    def __init__(self, desk: ControllerContext, page: DataPage) -> None:
        """Create the check and connect it to its page."""
        super().__init__(desk, page)
        self._page = page
        self._value = DoctorValue()
        self._key: tuple[str, str] | None = None
        self._chosen = ""
        page.doctor_requested.connect(self.check)
        page.doctor_cancelled.connect(self.stop)
        page.preparation_taken.connect(self._on_taken)
        desk.flows.changed.connect(lambda: QTimer.singleShot(0, self, self._on_flows))

    def set_chosen(self, sentence: str) -> None:
        """Show how inputs are prepared now."""
        self._chosen = sentence
        self._tell(self._value)

    def show(self) -> None:
        """Show the stored result for the open model and data."""
        opened = self._session.opened
        key = (opened.model.key, opened.data.key) if opened is not None and opened.data is not None else None
        if key != self._key:
            self.stop()
            self._key, self._value, self._chosen = key, self._stored(key), ""
        self._tell(self._value)

    def _stored(self, key: tuple[str, str] | None) -> DoctorValue:
        """Return the result of an earlier check of this model with these examples."""
        project = self._session.project
        if key is None or project is None:
            return DoctorValue()
        found = read_check(self._session.workspace.repositories, project.id, *key)
        return DoctorValue() if found is None else doctor_value(found)

    def check(self) -> None:
        """Try the possible preparations; if a run measures, the page says that the check must wait."""
        opened = self._session.opened
        if opened is None or opened.own_data is None or self._job.is_busy:
            return
        asked, data = opened.own_data
        if self._flows.runs:
            later = _("An optimization is measuring. Check the preparation when it is done.")
            self._tell(DoctorValue("failed", verdict="waiting", what=later))
            return
        self._tell(DoctorValue("running"))
        self._flows.start(
            check_preparation(opened.model, asked, data.key),
            title=_("Check the preparation"),
            on_done=self._on_done,
            on_failed=self._on_failed,
            on_cancelled=lambda: self._tell(DoctorValue()),
            observe=self._on_event,
            slot=self._job,
        )

    def stop(self) -> None:
        """Stop the running check and forget it."""
        if self._job.is_busy:
            self._job.drop()
            self._tell(DoctorValue())

    def _tell(self, value: DoctorValue) -> None:
        self._value = value
        self._page.show_doctor(replace(value, chosen=self._chosen))

    def _on_taken(self, spec: str) -> None:
        """Show that another preparation is being applied and emit `taken`."""
        self._tell(DoctorValue("taking"))
        self.taken.emit(spec)

    def _on_flows(self) -> None:
        """Show the previous result again if the new preparation could not be applied."""
        if self._value.state == "taking" and not self._session.is_opening:
            self._tell(self._stored(self._key))

    def _on_event(self, event: Event) -> None:
        if isinstance(event, StepProgress) and event.total:
            share = event.done / event.total
            if self._value.share is None or abs(share - self._value.share) >= 0.02:
                self._tell(DoctorValue("running", share=share))

    def _on_done(self, found: DoctorResult) -> None:
        project = self._session.project
        if project is not None and self._key is not None:
            check = StoredCheck(model_key=self._key[0], data_key=self._key[1], result=found)
            store_check(self._session.workspace.repositories, project.id, check)
        self._tell(doctor_value(found))

    def _on_failed(self, error: ErrorInfo) -> None:
        self._tell(DoctorValue("failed", verdict="warn", what=f"{error.title}. {error.detail}", why=error.hint))


def doctor_value(found: DoctorResult) -> DoctorValue:
    """Return the result for the page: the best preparations, including the chosen one."""
    able = [way for way in found.ways if way.score is not None]
    best = found.best
    shown = [way for way in able if best is not None and way.spec == best.spec][:1]
    shown += [way for way in able if found.rival is not None and way.spec == found.rival.spec and way not in shown]
    shown += [way for way in able if way.is_chosen and way not in shown]
    shown += [way for way in able if way not in shown][: max(0, SHOWN - len(shown))]
    offered = best is not None and found.verdict in ("better", "far_better")
    return DoctorValue(
        state="told",
        verdict="warn" if found.rival is not None else STATES[found.verdict],
        what=found.what,
        why=found.why,
        ways=tuple(_way(way, found, is_best=best is not None and way.spec == best.spec) for way in shown),
        spec=best.spec if offered and best is not None else "",
    )


def _way(way: WayTried, found: DoctorResult, *, is_best: bool) -> WayValue:
    score = way.score or 0.0
    if found.evidence == "labels":
        figure = percent(score, 0)
        low, high = max(0.0, way.low or 0.0), min(1.0, way.high if way.high is not None else 1.0)
        reach = _("of {0:,} examples; {1} with 95 % confidence").format(way.n, percent_range(low, high))
    else:
        figure = _("{0:+.0f} points").format(100 * score)
        reach = _("more certain than on noise, on {0:,} examples").format(way.n)
    share = min(1.0, max(0.0, score))
    return WayValue(
        way.words[:1].upper() + way.words[1:], figure, share, reach, way.n, way.is_chosen, is_best, way.spec
    )
