"""Show in the background on the page Data which inputs the model receives."""

from pathlib import Path

from PySide6.QtCore import Signal

from app.controllers.boxes import boxed, masked
from app.controllers.page_controller import ControllerContext, PageController
from app.services.data.feeding import range_words, shape_words, show_fed
from app.services.flow.events import Event, StepProgress
from widgets.pages.data.fed import FedExampleValue, FedValue
from widgets.pages.data.page import DataPage
from widgets.parts.pictures import PictureValue
from widgets.parts.small import CheckState, CheckValue
from workers.contracts.data.fed import FedExample, FedResult
from workers.contracts.translation import _
from workers.contracts.wording import capitalized

STATES: dict[str, CheckState] = {"info": "ok", "warning": "warn"}


class DataFed(PageController):
    """The view of the model's inputs, owned by the page's controller.

    `prepared(words)` describes how inputs are prepared; "" means that they are not changed. Each model is inspected
    once with its data. Measurements come first, and an interrupted inspection starts again after them.
    """

    prepared = Signal(str)

    def __init__(self, desk: ControllerContext, page: DataPage) -> None:
        """Create the view and follow the session."""
        super().__init__(desk, page)
        self._page = page
        self._key: tuple[str, str] | None = None
        self._value = FedValue()
        desk.session.data_changed.connect(self.show)
        desk.session.model_changed.connect(self.show)
        desk.flows.changed.connect(self._on_flows)

    def show(self) -> None:
        """Show the result for the open model and data; start the inspection if there is none."""
        key = self._wanted_key()
        if key != self._key:
            self._job.drop()
            self._key, self._value = key, FedValue()
        self._tell(self._value)
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
        self._tell(FedValue("running"))
        self._flows.start(
            show_fed(opened.model, opened.data),
            title=_("Show what the model receives"),
            on_done=lambda done: self._tell(fed_value(done.result, done.folder)),
            on_failed=lambda error: self._tell(FedValue("failed", what=f"{error.title}. {error.detail} {error.hint}")),
            on_cancelled=lambda: self._tell(
                FedValue("failed", what=_("This was stopped. Open the data again to see it."))
            ),
            observe=self._on_event,
            slot=self._job,
            restarts_automatically=True,
        )

    def _on_flows(self) -> None:
        """Stop for a measurement and start again after it."""
        if self._flows.runs and self._job.is_busy:
            self._job.drop()
            self._tell(FedValue())
        elif not self._flows.runs and self._key is not None and self._key == self._wanted_key():
            self._begin()

    def _tell(self, value: FedValue) -> None:
        self._value = value
        self._page.show_fed(value)
        self.prepared.emit("" if self._key is None else prepared_words(value))

    def _on_event(self, event: Event) -> None:
        if isinstance(event, StepProgress) and event.total:
            share = event.done / event.total
            if self._value.share is None or abs(share - self._value.share) >= 0.02:
                self._tell(FedValue("running", share=share))


def prepared_words(value: FedValue) -> str:
    """Return how inputs are prepared, or why that is not known yet; "" where it cannot be found out."""
    if value.state == "told":
        return f"{capitalized(value.preparation)}." if value.preparation else _("They are used unchanged.")
    words = {"running": _("Reading…"), "waiting": _("Shown as soon as nothing is being measured.")}
    return words.get(value.state, "")


def _picture(example: FedExample, folder: Path) -> PictureValue | None:
    if example.picture is None:
        return None
    name = _("{0} as the model receives it").format(example.source)
    picture = boxed(PictureValue(path=str(folder / example.picture), name=name), example.boxes)
    return masked(picture, PictureValue(path=str(folder / example.mask))) if example.mask else picture


def fed_value(fed: FedResult, folder: Path) -> FedValue:
    """Return the result for the page."""
    examples = tuple(
        FedExampleValue(
            name=example.source,
            inputs=tuple(
                (entry.name, f"{shape_words(entry)}, {entry.dtype}", range_words(entry)) for entry in example.inputs
            ),
            picture=_picture(example, folder),
            result=example.result,
            levels=example.levels,
        )
        for example in fed.examples
    )
    checks = tuple(
        CheckValue(STATES[finding.level], f"{finding.what} {finding.hint}".strip()) for finding in fed.findings
    )
    return FedValue("told", fed.preparation, examples, checks)
