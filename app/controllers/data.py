"""The page Data: reads what was dropped, shows what was found, goes on without data too."""

from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal

from app.controllers.flows import FlowRunner, Running
from app.controllers.sample import sample_or_none
from app.controllers.session import Session
from app.controllers.words import error_value, tr
from app.services.events import Event, StepProgress
from app.services.opening import ReadData, read_data
from widgets.main_window import MainWindow
from widgets.pages.data import DataPage
from widgets.pages.values import DataAskValue, DataKind, DataValue
from widgets.parts.pictures import PictureValue
from widgets.parts.small import CheckValue
from workers.contracts.errors import ErrorInfo
from workers.contracts.jobs import DataParams
from workers.contracts.pipeline import PipelineSpec

KINDS: dict[str, DataKind] = {"image": "images", "text": "texts", "audio": "audio", "array": "arrays"}
STATES: dict[str, Literal["ok", "warn", "bad"]] = {"info": "ok", "warning": "warn", "danger": "bad"}


class DataController(QObject):
    """`read` comes when a data set is ready to be used."""

    read = Signal()

    def __init__(self, window: MainWindow, page: DataPage, session: Session, flows: FlowRunner) -> None:
        super().__init__(page)
        self._window, self._page, self._session, self._flows = window, page, session, flows
        self._running: Running | None = None
        page.data_chosen.connect(self.read_path)
        page.no_data_chosen.connect(self._on_no_data)
        page.columns_changed.connect(self._on_columns)
        page.continue_requested.connect(lambda: window.show_page("goal"))
        page.cancel_requested.connect(self._on_cancel)
        session.data_changed.connect(self.show)
        session.model_changed.connect(self.show)
        self.show()

    def show(self) -> None:
        """The data set, or what the model wants."""
        if self._session.data is not None:
            self._page.show_value(data_value(self._session.data, self._session.asked_data))
        else:
            self._page.show_empty(DataAskValue(self._kind(), self._name()))

    def read_path(self, path: str) -> None:
        """Read a folder or file."""
        self._read(DataParams(model_dir="", path=path), after=None)

    def read_sample(self) -> None:
        """The sample's own pictures, then straight on to the goal."""
        sample = sample_or_none()
        if sample is not None:
            self._read(DataParams(model_dir="", path=str(sample.data)), after="goal")

    def _on_no_data(self) -> None:
        self._read(DataParams(model_dir=""), after="goal")

    def _on_columns(self, text: str, label: str) -> None:
        asked = self._session.asked_data
        if asked is not None:
            self._read(
                asked.model_copy(update={"text_column": text or None, "label_column": label or None}), after=None
            )

    def _on_cancel(self) -> None:
        if self._running is not None:
            self._flows.cancel(self._running)

    def _read(self, asked: DataParams, after: str | None) -> None:
        model = self._session.model
        if model is None:
            self._window.show_page("model")
            return
        if self._running is not None:
            self._flows.cancel(self._running)
        self._window.show_page("data")
        self._page.show_loading(tr("Reading the examples"))
        self._running = self._flows.start(
            read_data(asked.model_copy(update={"model_dir": str(model.folder)})),
            title=tr("Read the examples"),
            on_done=lambda data: self._on_read(asked, data, after),
            on_failed=lambda error: self._on_failed(asked, error),
            on_cancelled=self.show,
            observe=self._on_event,
        )

    def _on_event(self, event: Event) -> None:
        if isinstance(event, StepProgress):
            self._page.show_loading(event.stage, event.done, event.total)

    def _on_read(self, asked: DataParams, data: ReadData, after: str | None) -> None:
        self._running = None
        self._session.set_data(asked, data)
        if after is not None:
            self._window.show_page(after)
        self.read.emit()

    def _on_failed(self, asked: DataParams, error: ErrorInfo) -> None:
        self._running = None
        name = Path(asked.path).name if asked.path else ""
        self._page.show_error(error_value(error, page_title=tr("These examples cannot be used"), subject=name))

    def _name(self) -> str:
        return self._session.project.name if self._session.project else ""

    def _kind(self) -> DataKind:
        model = self._session.model
        if model is None:
            return "images"
        text = (model.folder / "pipeline.json").read_text(encoding="utf-8")
        return KINDS[PipelineSpec.model_validate_json(text).preprocess.kind]


def data_value(data: ReadData, asked: DataParams | None) -> DataValue:
    """What was read, for people."""
    result = data.result
    previews = tuple((_preview(data.folder, shown, result.kind), label) for shown, label in result.previews)
    checks = [CheckValue(STATES[finding.level], finding.what) for finding in result.findings]
    shared = tr("0 of {0:,} shared").format(result.n_test)
    checks.insert(0, CheckValue("ok", tr("Test and calibration examples do not overlap"), shared))
    if result.merged_doubles:
        checks.append(CheckValue("ok", tr("Doubles were merged"), f"{result.merged_doubles:,}"))
    if result.unreadable:
        names = ", ".join(result.unreadable[:3])
        checks.append(CheckValue("warn", tr("Could not be read: {0}").format(names), f"{len(result.unreadable):,}"))
    return DataValue(
        kind=result.kind,
        n_items=result.n_items,
        n_test=result.n_test,
        n_calibration=result.n_calibration,
        source=Path(asked.path).name if asked is not None and asked.path else "",
        labelled=result.labelled,
        class_counts=tuple(result.class_counts.items()),
        previews=previews,
        checks=tuple(checks),
        made=result.origin == "made",
    )


def _preview(folder: Path, shown: str, kind: DataKind) -> PictureValue:
    picture = folder / shown
    if kind == "images" and shown.startswith("previews/") and picture.is_file():
        return PictureValue(path=str(picture), name=shown)
    return PictureValue(text=shown)
