"""Control the page Data: read the dropped examples, show the findings, or continue without data."""

from pathlib import Path

from app.controllers.commands import READ_DATA, READ_KNOWN_DATA, READ_RESULTS, on
from app.controllers.data.checks import DataChecks
from app.controllers.data.doctor import DataDoctor
from app.controllers.data.fed import DataFed
from app.controllers.data.items import DataItems
from app.controllers.model.sample import sample_or_none
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.proof_ahead import reach_row
from app.controllers.words import STATE_OF_LEVEL, error_value
from app.services.data.record import read_record, write_record
from app.services.flow.events import ignore
from app.services.opening.opening import ReadData, read_data
from widgets.pages.data.page import DataPage
from widgets.pages.data.value import DataValue
from widgets.parts.nouns import DataKind
from widgets.parts.small import CheckState, CheckValue
from workers.contracts.data.reading import FOLDER_LABELS
from workers.contracts.data.record import DataRecord
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import DataParams, DataResult
from workers.contracts.pipeline import PipelineSpec, read_pipeline
from workers.contracts.translation import _, localized

KINDS: dict[str, DataKind] = {"image": "images", "text": "texts", "audio": "audio", "array": "arrays"}
MOST_CLASSES = 2000
"""Highest number of classes for a menu of class names; a longer menu does not help to match a name."""


class DataController(PageController[DataPage]):
    """Controller of the page Data."""

    def __init__(self, context: ControllerContext, page: DataPage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        window, session = context.window, context.session
        self._refused: DataParams | None = None  # of the examples that the page says cannot be used
        self._checks = DataChecks(context, page)
        self._checks.changed.connect(self._show_checks)
        page.data_chosen.connect(lambda path: window.paths_dropped.emit([path]))
        page.no_data_chosen.connect(lambda: self._read(DataParams(model_dir=""), after="goal"))
        page.earlier_requested.connect(self._on_earlier)
        page.columns_changed.connect(self._on_columns)
        page.labels_matched.connect(self._on_matched)
        page.continue_requested.connect(self._on_continue)
        page.suspects_requested.connect(self._on_suspects)
        page.origin_answered.connect(self._on_origin)
        page.reading_changed.connect(context.commands.to(READ_RESULTS))
        self._items = DataItems(context, page)
        self._items.settled.connect(lambda params: self._read(params, after=None, show=False, quietly=True))
        self._doctor = DataDoctor(context, page)
        self._fed = DataFed(context, page)
        self._fed.prepared.connect(self._doctor.set_chosen)
        page.cancel_requested.connect(self._job.cancel)
        page.dismissed.connect(self.show)
        page.leave_out_requested.connect(self._on_leave_out)
        page.put_back_requested.connect(self._on_put_back)
        session.data_changed.connect(self.show)
        session.model_changed.connect(self._on_model_changed)
        self._checks.look()
        self.show()

    def show(self) -> None:
        """Show the data set, or the kind of data that the model needs."""
        if self._job.is_busy:
            return
        self._refused = None
        if self._session.data is not None:
            data, requested, reach = self._session.data, self._session.data_params, reach_row(self._session)
            self._page.show_value(
                DataValue(
                    data.result,
                    Path(requested.path).name if requested is not None and requested.path else "",
                    (*check_rows(data.result), *((reach,) if reach is not None else ())),
                    self._spec(),
                    self._classes(),
                    self._earlier_name(),
                )
            )
            self._items.show()
            self._doctor.show()
            self._fed.show()
            self._show_origin()
            self._show_checks()
        else:
            self._page.show_empty(self._kind())

    def read_path(self, path: str) -> None:
        """Read a folder or file."""
        self._read(DataParams(model_dir="", path=path), after=None)

    def read_known(self) -> None:
        """Read the data of the model that was just opened: the sample's pictures or the previous examples."""
        opened = self._session.opened
        if opened is None:
            return
        sample = sample_or_none() if opened.project.is_sample else None
        if sample is not None and opened.data_params is None:
            self._read(DataParams(model_dir="", path=str(sample.data)), after="goal")
        elif opened.project.is_sample and opened.data is not None:
            self._window.show_page("goal")  # the sample's data are known already
        elif opened.data_params is not None and opened.data is None:
            self._read(opened.data_params, after=None, show=False)  # the model was opened with other parameters

    def _used_name(self) -> str:
        """Return the name of the set in use, "" for none."""
        requested = self._session.data_params
        if self._session.data is None or requested is None:
            return ""
        return Path(requested.path).name if requested.path else _("inputs made by Fettle")

    def _earlier_name(self) -> str:
        earlier = self._session.earlier_data
        return Path(earlier[0].path).name if earlier is not None and earlier[0].path else ""

    def _on_earlier(self) -> None:
        """Restore the replaced data set from the store, or read it again if the store has dropped it."""
        earlier = self._session.earlier_data
        if earlier is None:
            return
        self._job.drop()
        if self._session.workspace.artifacts.peek(earlier[1].key) is None:
            self._read(earlier[0], after=None)
        else:
            self._session.set_data(*earlier)

    def _on_columns(self, text: str, label: str) -> None:
        columns = {"text_column": text or None, "label_column": label or None}
        requested = self._refused or self._session.data_params
        if requested is not None:
            self._read(requested.model_copy(update=columns), after=None)

    def _on_matched(self, meant: dict[str, str]) -> None:
        requested = self._session.data_params
        if requested is not None and meant:
            self._read(requested.model_copy(update={"label_map": {**requested.label_map, **meant}}), after=None)

    def _show_checks(self) -> None:
        """Show the current findings without changing the rest of the page."""
        opened, checks = self._session.opened, self._checks
        if not self._job.is_busy and opened is not None and opened.data is not None:
            changed = count_changes(opened.data_params) if opened.data_params is not None else 0
            self._page.show_found(checks.rows(), len(checks.leave_out), changed, len(checks.suspects()))

    def _on_leave_out(self) -> None:
        """Leave out the suggested items; their files stay where they are."""
        going = self._checks.leave_out
        if going:
            self._items.edits.edit("leave_out", going)
            self._items.flush()

    def _on_put_back(self) -> None:
        requested = self._session.data_params
        if requested is not None and count_changes(requested):
            self._items.edits.put_all_back()
            self._items.flush()

    def _on_suspects(self) -> None:
        suspects = self._checks.suspects()
        if suspects:
            self._page.ask_suspects(suspects)

    def _on_continue(self) -> None:
        """Open the page Goal; pending edits are read first."""
        if self._items.is_pending:
            self._read(self._items.edits.requested, after="goal")
        else:
            self._window.show_page("goal")

    def _show_origin(self) -> None:
        project = self._session.project
        if project is not None and self._session.own_data is not None:
            self._page.show_origin(read_record(self._session.workspace.repositories, project.id, project.data_path))

    def _on_origin(self, record: DataRecord) -> None:
        project = self._session.project
        if project is not None and project.data_path:
            write_record(self._session.workspace.repositories, project.id, project.data_path, record)

    def _on_model_changed(self) -> None:
        """Stop reading data for the previous model."""
        self._job.drop()
        self.show()

    def _read(self, params: DataParams, after: str | None, *, show: bool = True, quietly: bool = False) -> None:
        """Read data; `quietly` leaves the page unchanged until that is done."""
        model = self._session.model
        if model is None:
            self._window.show_page("model")
            return
        self._job.drop()
        self._refused = None
        if show:
            self._window.show_page("data")
        if not quietly:
            self._page.show_loading(_("Reading the examples"))
        self._start(
            read_data(params.model_copy(update={"model_dir": str(model.folder)})),
            lambda data: self._on_read(params, data, after),
            title=_("Read the examples"),
            on_failed=lambda error: self._on_failed(params, error),
            on_cancelled=self.show,
            observe=ignore if quietly else self._show_stage,
        )

    def _on_read(self, params: DataParams, data: ReadData, after: str | None) -> None:
        self._session.set_data(params, data)
        if after is not None and self._window.current_page == "data":
            self._window.show_page(after)

    def _on_failed(self, params: DataParams, error: ErrorInfo) -> None:
        name = Path(params.path).name if params.path else ""
        value = error_value(error, page_title=_("These examples cannot be used"), subject=name)
        self._refused = params
        self._page.show_error(value, self._used_name())

    def _spec(self) -> PipelineSpec | None:
        model = self._session.model
        return None if model is None else read_pipeline(model.folder)

    def _kind(self) -> DataKind:
        spec = self._spec()
        return "images" if spec is None else KINDS[spec.preprocess.kind]

    def _classes(self) -> tuple[str, ...]:
        """Return the names of the model's classes, or their numbers if there are no names."""
        spec = self._spec()
        if spec is None or spec.answer_kind != "class":
            return ()
        answer = next((output for output in spec.outputs if output.answer), None)
        count = answer.shape[-1] if answer is not None and len(answer.shape) > 1 else None
        classes = spec.classes or tuple(str(number) for number in range(min(count or 0, MOST_CLASSES + 1)))
        return classes if len(classes) <= MOST_CLASSES else ()


def count_changes(params: DataParams) -> int:
    """Return how many examples were edited by hand."""
    return len({*params.left_out, *params.relabeled, *params.moved})


def check_rows(result: DataResult) -> list[CheckValue]:
    """Return the checks of the reading as rows, then its findings with the most serious ones first."""
    checks = []
    if result.n_of_person:
        shared = _("0 of {0:,} shared").format(result.n_of_person)
        checks.append(CheckValue("ok", _("No example is in both test and calibration set"), shared))
    if not result.n_test:
        checks = [CheckValue("bad", _("No example is left for the test, so nothing can be proven"), "0")]
    if result.class_counts and not result.unknown_labels:
        known = _("{0:,} of {0:,}").format(len(result.class_counts))
        checks.append(CheckValue("ok", _("The labels match the model’s answers"), known))
    if len(result.class_counts) > 1:
        few, many = min(result.class_counts.values()), max(result.class_counts.values())
        state: CheckState = "ok" if few * 10 >= many else "warn"
        counts = localized(few) if few == many else _("{0:,} to {1:,}").format(few, many)
        checks.append(CheckValue(state, _("Examples of each kind"), counts))
    order = {"danger": 0, "warning": 1, "info": 2}
    findings = [finding for finding in result.findings if finding.code != FOLDER_LABELS]  # shown by the card of labels
    findings.sort(key=lambda finding: order[finding.level])
    return [*checks, *(CheckValue(STATE_OF_LEVEL[finding.level], _(finding.what)) for finding in findings)]


CONTROLLER = ControllerSpec(
    "data",
    DataController,
    does=(on(READ_DATA, DataController.read_path), on(READ_KNOWN_DATA, DataController.read_known)),
    is_done=lambda session, _is_running: session.data is not None,
)
