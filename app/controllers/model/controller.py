"""Control the page Model: open the dropped or chosen model and ask for facts that its file lacks."""

from pathlib import Path

from pydantic import JsonValue

from app.controllers import commands as c
from app.controllers.model.presenter import model_value
from app.controllers.model.sample import sample_or_none, sample_value
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.words import refused_file
from app.services.hub.model_cache import origin_of, remember_origin
from app.services.opening.opening import OpenedModel, open_model
from widgets.pages.model.page import ModelPage
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import OpenParams
from workers.contracts.pipeline import spec_text
from workers.contracts.translation import _

EXAMPLE_SHAPE = "1x3x224x224"
QUESTION_CODES = ("needs_consent", "ambiguous_architecture", "shape_needed")
"""Codes of errors that the page shows as questions."""


class ModelController(PageController[ModelPage]):
    """Controller of the page Model."""

    def __init__(self, context: ControllerContext, page: ModelPage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        window, session = context.window, context.session
        self._sample = sample_or_none()
        self._goes_on = self._stays = False
        page.sample_requested.connect(self.open_sample)
        page.file_chosen.connect(lambda path: window.paths_dropped.emit([path]))
        page.hub_requested.connect(context.commands.to(c.SEARCH_HUB))
        page.another_requested.connect(session.new_project)
        page.continue_requested.connect(self._on_continue)
        page.cancel_requested.connect(self._job.cancel)
        page.dismissed.connect(self.show)
        page.consent_given.connect(self._on_consent)
        page.shapes_given.connect(self._on_shapes)
        page.architecture_chosen.connect(lambda path, name: self.open(self._with_answers(path, architecture=name)))
        page.preprocessing_changed.connect(lambda steps: self.prepare(spec_text(steps)))
        session.model_changed.connect(self.show)
        self._last, self._asked_about = OpenParams(path=""), ""
        if page.state != "waiting" and not (page.state == "empty" and session.model is None):
            self.show()

    def show(self) -> None:
        """Show the open model, or the first-run page if there is none."""
        if self._job.is_busy:
            return
        opened = self._session.opened
        if opened is None:
            self._page.show_empty(sample_value(self._sample) if self._sample else None)
        else:
            origin = origin_of(self._session.workspace, opened.project)
            self._page.show_value(model_value(opened.model, opened.project.name, opened.opening, origin))

    def settle(self) -> None:
        """Show the open model if the page still waits for a file that another page received."""
        if self._page.state == "waiting":
            self.show()

    def open_path(self, path: str) -> None:
        """Open a file or folder."""
        self.open(OpenParams(path=path))

    def choose_file(self) -> None:
        """Open the file dialog."""
        self._page.choose_file()

    def open_sample(self) -> None:
        """Open the built-in sample."""
        if self._sample is not None:
            self.open(OpenParams(path=str(self._sample.model)))

    def open(self, params: OpenParams, *, stays: bool = False) -> None:
        """Open a model in a worker process and show the progress on the page Model.

        `stays` keeps the current page shown.
        """
        self._job.drop()
        self._last = params
        self._goes_on, self._stays = False, stays
        if not stays:
            self._window.show_page("model")
        self._page.show_loading(_("Checking the model"))
        self._session.is_opening = True
        self._start(
            open_model(params),
            lambda model: self._on_opened(params, model),
            title=_("Open {0}").format(Path(params.path).name),
            on_failed=lambda error: self._on_failed(params, error),
            on_cancelled=self._on_cancelled,
            observe=self._show_stage,
        )

    def _with_answers(self, path: str, **changes: object) -> OpenParams:
        """Return the parameters of the last request with the user's answers."""
        base = self._last if self._last.path == path else OpenParams(path=path)
        return base.model_copy(update=changes)

    def _on_opened(self, params: OpenParams, model: OpenedModel) -> None:
        self._session.is_opening = False
        is_sample = self._sample is not None and params.path == str(self._sample.model)
        name = self._sample.title if is_sample and self._sample else None
        project = self._session.begin(params, model, name=name, is_sample=is_sample)
        remember_origin(self._session.workspace, project)
        goes_on = self._goes_on and self._window.current_page == "model"
        self._commands.do(c.MODEL_OPENED)
        if goes_on:
            self._window.show_page("data")

    def _on_failed(self, params: OpenParams, error: ErrorInfo) -> None:
        self._session.is_opening = False
        path = params.path
        if self._stays and self._window.current_page != "model" and not error.asks and error.code not in QUESTION_CODES:
            self.show()
            self._window.banner(refused_file(error, path))
        elif error.code == "needs_consent":
            self._asked_about = str(error.facts.get("sha256", ""))
            self.show()
            self._page.ask_consent(path, Path(path).name)
        elif error.code == "ambiguous_architecture":
            self.show()
            self._page.ask_architecture(path, _names(error.facts.get("architectures")))
        elif error.code == "shape_needed":
            self.show()
            self._ask_shape(path, error)
        else:
            project = self._session.project
            self._page.show_error(refused_file(error, path), project.name if project else _("Choose a model"))
            if error.asks and not params.shapes:
                self._ask_shape(path, error)

    def _ask_shape(self, path: str, error: ErrorInfo) -> None:
        self._page.ask_shapes(path, [(requested.name, requested.sizes) for requested in error.asks], EXAMPLE_SHAPE)

    def _on_cancelled(self) -> None:
        self._session.is_opening = False
        self.show()

    def _on_consent(self, path: str) -> None:
        """Open the program that the question was about, and no other one that took its place."""
        self.open(self._with_answers(path, allow_code=True, code_sha256=self._asked_about))

    def _on_shapes(self, path: str, shapes: dict[str, tuple[int, ...]]) -> None:
        self.open(self._with_answers(path, shapes={**self._with_answers(path).shapes, **shapes}))

    def _on_continue(self) -> None:
        """Open the page Data, after the model is ready if it is being opened again."""
        if self._job.is_busy:
            self._goes_on = True
        else:
            self._window.show_page("data")

    def prepare(self, spec: str) -> None:
        """Open the model again with another preparation of its inputs (the SPEC of ``--preprocess``)."""
        self._open_again(preprocess=spec)

    def read_results(self, task: str, threshold: float | None) -> None:
        """Open the model again with another reading of its outputs (``--task``, ``--score-threshold``)."""
        self._open_again(task=task, score_threshold=threshold)

    def _open_again(self, **changes: object) -> None:
        if self._session.opened is not None:
            self.open(self._session.opened.opening.model_copy(update=changes), stays=True)


def _names(names: JsonValue) -> tuple[str, ...]:
    """Return the list of names in an error's facts."""
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


CONTROLLER = ControllerSpec(
    "model",
    ModelController,
    does=(
        c.on(c.OPEN_MODEL, ModelController.open_path),
        c.on(c.CHOOSE_MODEL, ModelController.choose_file),
        c.on(c.OPEN_SAMPLE, ModelController.open_sample),
        c.on(c.PREPARE_MODEL, ModelController.prepare),
        c.on(c.READ_RESULTS, ModelController.read_results),
        c.on(c.SETTLE_MODEL, ModelController.settle),
    ),
    is_done=lambda session, _is_running: session.model is not None,
)
