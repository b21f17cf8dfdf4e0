"""The page Model: opens what was dropped or chosen, asks what the file does not say."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal

from app.controllers.flows import FlowRunner, Running
from app.controllers.sample import sample_or_none, sample_value
from app.controllers.session import Session
from app.controllers.words import refused_file, tensors_in_words, tr
from app.services.events import Event, StepProgress
from app.services.opening import OpenedModel, open_model
from widgets.main_window import MainWindow
from widgets.pages.model import ModelPage
from widgets.pages.values import FindingValue, ImageStepsValue, ModelValue, PreprocessValue, ShapeQuestionValue
from workers.contracts.errors import ErrorInfo
from workers.contracts.jobs import OpenParams
from workers.contracts.pipeline import ImageSteps, PipelineSpec

LEVELS: dict[str, Literal["ok", "warn", "bad"]] = {"info": "ok", "warning": "warn", "danger": "bad"}


class ModelController(QObject):
    """`opened` comes when a model is ready; `sample_opened` when it is the built-in one."""

    opened = Signal()
    sample_opened = Signal()

    def __init__(self, window: MainWindow, page: ModelPage, session: Session, flows: FlowRunner) -> None:
        super().__init__(page)
        self._window, self._page, self._session, self._flows = window, page, session, flows
        self._sample = sample_or_none()
        self._running: Running | None = None
        page.sample_requested.connect(self.open_sample)
        page.file_chosen.connect(self.open_path)
        page.another_requested.connect(self._on_another)
        page.continue_requested.connect(lambda: window.show_page("data"))
        page.cancel_requested.connect(self._on_cancel)
        page.consent_given.connect(lambda path: self.open(self._asked(path, allow_code=True)))
        page.shapes_given.connect(lambda path, shapes: self.open(self._asked(path, shapes=shapes)))
        page.architecture_chosen.connect(lambda path, name: self.open(self._asked(path, architecture=name)))
        page.preprocessing_changed.connect(self._on_preprocessing)
        session.model_changed.connect(self.show)
        self._last = OpenParams(path="")
        self.show()

    def show(self) -> None:
        """What is open, or the first run."""
        model = self._session.model
        if model is None:
            self._page.show_empty(sample_value(self._sample) if self._sample else None)
        else:
            name = self._session.project.name if self._session.project else model.info.name
            self._page.show_value(model_value(model, name, self._session.opening))

    def open_path(self, path: str) -> None:
        """Open a file or folder."""
        self.open(OpenParams(path=path))

    def open_sample(self) -> None:
        """Open the built-in sample."""
        if self._sample is not None:
            self.open(OpenParams(path=str(self._sample.model)))

    def open(self, params: OpenParams) -> None:
        """Open in a worker; the page shows how far it is."""
        self._last = params
        if self._running is not None:
            self._flows.cancel(self._running)
        self._window.show_page("model")
        self._page.show_loading(tr("Checking the model"))
        self._running = self._flows.start(
            open_model(params),
            title=tr("Open {0}").format(Path(params.path).name),
            on_done=lambda model: self._on_opened(params, model),
            on_failed=lambda error: self._on_failed(params, error),
            on_cancelled=self.show,
            observe=self._on_event,
        )

    def _asked(self, path: str, **changes: object) -> OpenParams:
        """The last request again with what was answered."""
        base = self._last if self._last.path == path else OpenParams(path=path)
        return base.model_copy(update=changes)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, StepProgress):
            self._page.show_loading(event.stage, event.done, event.total)

    def _on_opened(self, params: OpenParams, model: OpenedModel) -> None:
        self._running = None
        is_sample = self._sample is not None and params.path == str(self._sample.model)
        name = self._sample.title if is_sample and self._sample else None
        self._session.begin(params, model, name=name, is_sample=is_sample)
        (self.sample_opened if is_sample else self.opened).emit()

    def _on_failed(self, params: OpenParams, error: ErrorInfo) -> None:
        self._running = None
        path = params.path
        if error.code == "needs_consent":
            self.show()
            self._page.ask_consent(path, Path(path).name)
        elif error.code == "shape_needed":
            self.show()
            self._page.ask_shapes(path, ShapeQuestionValue(inputs=((_input_name(error), ()),), example="1x3x224x224"))
        elif error.code == "ambiguous_architecture":
            self.show()
            self._page.ask_architecture(path, tuple(re.findall(r"--architecture (\w+)", error.hint)))
        else:
            self._page.show_error(refused_file(error, path))

    def _on_another(self) -> None:
        self._session.new_project()

    def _on_cancel(self) -> None:
        if self._running is not None:
            self._flows.cancel(self._running)

    def _on_preprocessing(self, steps: ImageStepsValue) -> None:
        opening = self._session.opening
        if opening is not None:
            self.open(opening.model_copy(update={"preprocess": spec_text(steps)}))


def _input_name(error: ErrorInfo) -> str:
    found = re.search(r"--shape ([^\s=]+)=", error.hint)
    return found.group(1) if found else ""


def spec_text(steps: ImageStepsValue) -> str:
    """The SPEC of `--preprocess` (CLI.md) that says the same."""
    parts = []
    for name, size in (("resize", steps.resize), ("crop", steps.crop)):
        if size is not None:
            parts.append(f"{name}={size if isinstance(size, int) else f'{size[0]}x{size[1]}'}")
    parts.append(f"mean={'/'.join(f'{value:g}' for value in steps.mean)}")
    parts.append(f"std={'/'.join(f'{value:g}' for value in steps.std)}")
    parts += [f"layout={steps.layout}", f"range={steps.range}", f"channels={steps.channels}"]
    return ",".join(parts)


def model_value(model: OpenedModel, name: str, opening: OpenParams | None) -> ModelValue:
    """An opened model in words."""
    info = model.info
    spec = PipelineSpec.model_validate_json((model.folder / "pipeline.json").read_text(encoding="utf-8"))
    safe = FindingValue("ok", tr("Nothing in it was run; it holds numbers and operations only."), tr("Safe"))
    if opening is not None and opening.allow_code:
        safe = FindingValue("warn", tr("It is a program; it ran in a sandbox, because you allowed it."), "")
    findings = tuple(FindingValue(LEVELS[finding.level], finding.what) for finding in info.findings)
    return ModelValue(
        name=name,
        takes_in=tensors_in_words(info.inputs),
        gives_back=tensors_in_words(info.outputs),
        size_bytes=info.size_bytes,
        parameters=info.parameters,
        format=info.format,
        license=info.license or "",
        origin=Path(opening.path).name if opening else "",
        architecture=info.architecture or "",
        findings=(safe, *findings),
        preprocess=preprocess_value(spec),
        classes=spec.classes or (),
    )


def preprocess_value(spec: PipelineSpec) -> PreprocessValue:
    """How inputs are prepared: fields for pictures, rows for the rest."""
    guessed = frozenset(spec.guessed)
    source = tr("partly guessed, please check") if guessed else tr("from the model's own files")
    steps = spec.preprocess
    if isinstance(steps, ImageSteps):
        image = ImageStepsValue(
            steps.resize, steps.crop, steps.mean, steps.std, steps.range, steps.channels, steps.layout
        )
        return PreprocessValue(image=image, guessed=guessed, source=source)
    rows = tuple((field, str(value)) for field, value in steps.model_dump(exclude={"kind"}).items())
    return replace(PreprocessValue(rows=rows, source=source), guessed=guessed)
