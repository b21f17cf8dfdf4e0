"""Show in the background on the page Data which inputs the model receives."""

from PySide6.QtCore import Signal

from app.controllers.page_controller import ControllerContext, PageController
from app.controllers.words import error_words
from app.services.data.examples import show_fed
from app.services.flow.events import Event, StepProgress
from widgets.pages.data.fed import FedValue
from widgets.pages.data.page import DataPage
from workers.contracts.translation import _
from workers.contracts.wording import capitalized


class DataFed(PageController[DataPage]):
    """The view of the model's inputs, owned by the page's controller.

    `prepared(words)` describes how inputs are prepared; "" means that they are not changed. Each model is inspected
    once with its data. Measurements come first, and an interrupted inspection starts again after them.
    """

    prepared = Signal(str)

    def __init__(self, context: ControllerContext, page: DataPage) -> None:
        """Create the view and follow the session."""
        super().__init__(context, page)
        self._key: tuple[str, str] | None = None
        self._value = FedValue()
        context.session.data_changed.connect(self.show)
        context.session.model_changed.connect(self.show)
        context.flows.changed.connect(self._on_flows)

    def show(self) -> None:
        """Show the result for the open model and data; start the inspection if there is none."""
        key = self._wanted_key()
        if key != self._key:
            self._job.drop()
            self._key, self._value = key, FedValue()
        self._show_value(self._value)
        self._begin()

    def _wanted_key(self) -> tuple[str, str] | None:
        opened = self._session.opened
        if opened is None or opened.data is None or opened.data.result.origin != "person":
            return None
        return opened.model.key, opened.data.key

    def _begin(self) -> None:
        opened = self._session.opened
        open_yet = self._key is not None and self._value.state == "waiting" and not self._job.is_busy
        if not open_yet or self._flows.runs or opened is None or opened.data is None:
            return
        self._show_value(FedValue("running"))
        self._start(
            show_fed(opened.model, opened.data),
            lambda done: self._show_value(FedValue("done", done.result, done.folder)),
            title=_("Show what the model receives"),
            on_failed=lambda error: self._show_failed(error_words(error)),
            on_cancelled=lambda: self._show_failed(_("This was stopped. Open the data again to see it.")),
            observe=self._on_event,
            restarts_automatically=True,
        )

    def _on_flows(self) -> None:
        """Stop for a measurement and start again after it."""
        if self._flows.runs and self._job.is_busy:
            self._job.drop()
            self._show_value(FedValue())
        elif not self._flows.runs and self._key is not None and self._key == self._wanted_key():
            self._begin()

    def _show_value(self, value: FedValue) -> None:
        self._value = value
        self._page.show_fed(value)
        self.prepared.emit("" if self._key is None else prepared_words(value))

    def _show_failed(self, why: str) -> None:
        self._show_value(FedValue("failed", what=why))

    def _on_event(self, event: Event) -> None:
        if isinstance(event, StepProgress) and event.total:
            share = event.done / event.total
            if self._value.share is None or abs(share - self._value.share) >= 0.02:
                self._show_value(FedValue("running", share=share))


def prepared_words(value: FedValue) -> str:
    """Return how inputs are prepared, or why that is not known yet; "" if it cannot be determined."""
    if value.result is not None:
        how = value.result.preparation
        return f"{capitalized(how)}." if how else _("They are used unchanged.")
    words = {"running": _("Reading…"), "waiting": _("Shown as soon as nothing is being measured.")}
    return words.get(value.state, "")
