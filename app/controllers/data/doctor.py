"""Check on the page Data which preparation of the inputs fits, show the evidence and pass on the user's choice."""

from dataclasses import replace

from PySide6.QtCore import Qt

from app.controllers.commands import PREPARE_MODEL
from app.controllers.page_controller import ControllerContext, PageController
from app.services.data.doctor import StoredCheck, check_preparation, read_check, store_check
from app.services.flow.events import Event, StepProgress
from widgets.pages.data.doctor import DoctorValue
from widgets.pages.data.page import DataPage
from workers.contracts.data.doctor import DoctorResult
from workers.contracts.error_info import ErrorInfo
from workers.contracts.translation import _, joined


class DataDoctor(PageController[DataPage]):
    """The check of the input preparation, owned by the page's controller; it stays until model or data change."""

    def __init__(self, context: ControllerContext, page: DataPage) -> None:
        """Create the check and connect it to its page."""
        super().__init__(context, page)
        self._value = DoctorValue()
        self._key: tuple[str, str] | None = None
        self._chosen = ""
        page.doctor_requested.connect(self.check)
        page.doctor_cancelled.connect(self.stop)
        page.preparation_taken.connect(self._on_taken)
        context.flows.changed.connect(self._on_flows, Qt.ConnectionType.QueuedConnection)

    def set_chosen(self, sentence: str) -> None:
        """Show how inputs are prepared now."""
        self._chosen = sentence
        self._show_value(self._value)

    def show(self) -> None:
        """Show the stored result for the open model and data."""
        opened = self._session.opened
        key = (opened.model.key, opened.data.key) if opened is not None and opened.data is not None else None
        if key != self._key:
            self.stop()
            self._key, self._value, self._chosen = key, self._stored(key), ""
        self._show_value(self._value)

    def _stored(self, key: tuple[str, str] | None) -> DoctorValue:
        """Return the result of an earlier check of this model with these examples."""
        project = self._session.project
        if key is None or project is None:
            return DoctorValue()
        found = read_check(self._session.workspace.repositories, project.id, *key)
        return DoctorValue() if found is None else DoctorValue("done", result=found)

    def check(self) -> None:
        """Try the possible preparations; if a run measures, the page shows that the check must wait."""
        own = self._session.own_data
        if own is None or self._job.is_busy:
            return
        model, params, data = own
        if self._flows.runs:
            later = _("An optimization is measuring. Check the preparation when it is done.")
            self._show_value(DoctorValue("waiting", problem=(later, "")))
            return
        self._show_value(DoctorValue("running"))
        self._start(
            check_preparation(model, params, data.key),
            self._on_done,
            title=_("Check the preparation"),
            on_failed=self._on_failed,
            on_cancelled=lambda: self._show_value(DoctorValue()),
            observe=self._on_event,
        )

    def stop(self) -> None:
        """Stop the running check and forget it."""
        if self._job.is_busy:
            self._job.drop()
            self._show_value(DoctorValue())

    def _show_value(self, value: DoctorValue) -> None:
        self._value = value
        self._page.show_doctor(replace(value, chosen=self._chosen))

    def _on_taken(self, spec: str) -> None:
        """Open the model again with another preparation."""
        self._show_value(DoctorValue("taking"))
        self._commands.do(PREPARE_MODEL, spec)

    def _on_flows(self) -> None:
        """Show the previous result again if the new preparation could not be applied."""
        if self._value.state == "taking" and not self._session.is_opening:
            self._show_value(self._stored(self._key))

    def _on_event(self, event: Event) -> None:
        if isinstance(event, StepProgress) and event.total:
            share = event.done / event.total
            if self._value.share is None or abs(share - self._value.share) >= 0.02:
                self._show_value(DoctorValue("running", share=share))

    def _on_done(self, result: DoctorResult) -> None:
        project = self._session.project
        if project is not None and self._key is not None:
            check = StoredCheck(model_key=self._key[0], data_key=self._key[1], result=result)
            store_check(self._session.workspace.repositories, project.id, check)
        self._show_value(DoctorValue("done", result=result))

    def _on_failed(self, error: ErrorInfo) -> None:
        self._show_value(
            DoctorValue("failed", problem=(joined([_("{0}.").format(_(error.title)), _(error.detail)]), _(error.hint)))
        )
