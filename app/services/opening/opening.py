"""Open a model and its data, as the Model and Data pages and the first steps of every command do."""

from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from app.domain.project import Project
from app.services.flow.artifacts import ArtifactStore, Entry
from app.services.flow.steps import Flow, JobError, JobStep, R, Refused, StepResult, limits_of_runtime
from workers.contracts.error_info import ErrorInfo
from workers.contracts.folder import read_model
from workers.contracts.jobs import DataParams, DataResult, OpenBesideParams, OpenParams, OpenResult
from workers.contracts.measured.companions import COMPANIONS, ONNX_FOLDER
from workers.contracts.paths import from_text, to_text
from workers.contracts.specs import ModelInfo
from workers.contracts.translation import _, joined, mark

_SLOW = ErrorInfo(
    code="took_too_long",
    title="The model takes too long",
    detail="Nothing of {name} was kept.",
    hint="Some files are made to keep programs busy for ever. If you trust its origin, ask its author for a model with "
    "a smaller input of fixed size, as ONNX.",
)
_WHY_SLOW = {
    "stage_time_limit": mark("Fettle was still {stage} after {seconds:.0f} s, so that was stopped."),
    "time_limit": mark("Opening it ran longer than it may, so that was stopped."),
    "cpu_limit": mark("Opening it used more processor time than it may, so the system stopped it."),
}
_LARGE = ErrorInfo(
    code="out_of_memory",
    title="The model needs too much memory",
    detail="{name} asked for more memory than it may use while it was opened, so it was stopped. Nothing of it was "
    "kept.",
    hint="If the file is small, it is probably made to fill memory: ask its author for another one, as ONNX or "
    "safetensors. Else close other programs, raise the memory limit in Settings, or take a smaller model.",
)
_CRASHED = ErrorInfo(
    code="library_crashed",
    title="The model makes a library crash",
    detail="The library that read {name} crashed. It ran in a process of its own, so nothing else was touched.",
    hint="The file is damaged or made to do that. Download it again, or ask its author for it as ONNX or safetensors.",
)
_WORDS = {
    **dict.fromkeys(_WHY_SLOW, _SLOW),
    "out_of_memory": _LARGE,
    "native_crash": _CRASHED,
    "native_abort": _CRASHED,
    "ended_early": _CRASHED,
    "bad_answer": _CRASHED,
}
TRIED = frozenset(
    ("does_not_run", "not_finite", "cannot_convert", "conversion_differs", *(words.code for words in _WORDS.values()))
)
"""Codes of models that were refused only after libraries had worked on them in the sandbox."""


def as_refusal(error: JobError, path: Path) -> JobError:
    """Return the error of a job that opened `path`; errors caused by the file become refusals (exit code 3)."""
    words = _WORDS.get(error.error.code)
    if words is None:
        return error
    name = "".join(character if character.isprintable() else "\ufffd" for character in path.name)
    detail, why = _(words.detail).format(name=name), _WHY_SLOW.get(error.error.code, "")
    if why:
        facts = {name: _(value) if isinstance(value, str) else value for name, value in error.error.facts.items()}
        detail = joined([_(why).format(stage=facts.get("stage"), seconds=facts.get("seconds")), detail])
    return Refused(words.code, words.title, detail, words.hint, traceback=error.error.traceback)


def other_inputs() -> ErrorInfo:
    """Return the error of a run that cannot resume because its model or examples changed."""
    return ErrorInfo(
        code="other_inputs",
        title="This run cannot be resumed",
        detail="Its model or its examples are not the ones that it began with; results would be mixed.",
        hint="Its result is kept. Start a new run with the present files.",
    )


OpenedModel = StepResult[OpenResult]
"""A model in the internal form; its folder holds artifact.json, pipeline.json and info.json."""

ReadData = StepResult[DataResult]
"""A data set that was read, split and prepared for one model."""


def inspect_model(params: OpenParams) -> Flow[ModelInfo]:
    """Return facts about a model without converting it; raise `JobError` (exit code 3) if it is refused."""
    path = from_text(params.path)
    step = JobStep("inspect", params, ModelInfo, "Check the model", (*_readable(path), *_data_of(params)))
    return (yield from _refusing(step, path)).result


def open_model(params: OpenParams, step_index: int | None = None) -> Flow[OpenedModel]:
    """Check a model and convert it; the result is cached by the contents of the file and its companions.

    Companions are the tokenizer, preparation, labels and license in its folder. Sizes that the model leaves open come
    from the data first, if `data_path` names some. Raises `JobError` as `inspect_model` does.
    """
    path = from_text(params.path)
    step = JobStep(
        "open",
        params,
        OpenResult,
        "Open the model",
        (*_readable(path), *_data_of(params)),
        cache=True,
        by_content=True,
        identity=_identity(params),
        torch=_may_need_torch(path),
        step_index=step_index,
    )
    done = yield from _refusing(step, path)
    return replace(done, folder=done.folder / done.result.model_dir)


def runtime_of(model: OpenedModel) -> str:
    """Return the runtime that runs an opened model unchanged."""
    return (read_model(model.folder).artifact.runtimes or ("onnxruntime-cpu",))[0]


def open_bundle(bundle: Path, *, allow_code: bool = False) -> Flow[OpenedModel]:
    """Open a bundle, compare its files with its checksums, and run none of its scripts; nothing is cached.

    The caller removes the folder above the result's. Raises `JobError` as `inspect_model` does.
    """
    params = OpenParams(path=to_text(bundle), allow_code=allow_code, to_prove=True)
    step = JobStep("open", params, OpenResult, "Open the bundle", (bundle,), keep_folder=True, torch=allow_code)
    done = yield from _refusing(step, bundle)
    return replace(done, folder=done.folder / done.result.model_dir)


def open_beside(params: OpenBesideParams, step_index: int | None = None) -> Flow[OpenedModel]:
    """Open a model that was made elsewhere so that it can be judged in place of an original, cached as in `open_model`.

    Raises:
        JobError: (exit code 3) It cannot be opened or has other inputs or outputs; the error's facts name the
            difference.
    """
    opening = params.opening.model_copy(update={"to_prove": True, "data_path": None})
    path = from_text(opening.path)
    step = JobStep(
        "open_beside",
        params.model_copy(update={"opening": opening}),
        OpenResult,
        "Open the other model",
        (*_readable(path), Path(params.model_dir), Path(params.data_dir)),
        cache=True,
        by_content=True,
        identity=_identity(opening),
        torch=_may_need_torch(path),
        limits=limits_of_runtime(params.runtime or params.original_runtime, params.original_settings),
        step_index=step_index,
    )
    done = yield from _refusing(step, path)
    assert done.result.elsewhere is not None
    # the same content may have been elsewhere when it was opened first
    origin = done.result.elsewhere.model_copy(update={"path": params.opening.path})
    result = done.result.model_copy(update={"elsewhere": origin})
    return replace(done, folder=done.folder / result.model_dir, result=result)


def _identity(params: OpenParams) -> dict[str, str]:
    """Return names for paths: the place is irrelevant to the key, and the job finds the contents."""
    return {params.path: "model", **({} if params.data_path is None else {params.data_path: "data"})}


def _data_of(params: OpenParams) -> tuple[Path, ...]:
    return () if params.data_path is None else (from_text(params.data_path),)


def _may_need_torch(path: Path) -> bool:
    """Return a guess by the name alone; a wrong one only costs a second."""
    return path.suffix != ".onnx"


def _refusing(step: JobStep[R], path: Path) -> Flow[StepResult[R]]:
    """Run the step; an end of the job caused by the file becomes a refusal."""
    try:
        return (yield from step.run())
    except JobError as error:
        raise as_refusal(error, path) from error


def _readable(path: Path) -> tuple[Path, ...]:
    """Return the paths that the worker may read, with the folder of a model file for external data and labels."""
    if path.is_dir():
        return (path,)
    # the folder above may hold anything of the person's, so only these files of it
    above = [path.parent.parent / name for name in COMPANIONS] if path.parent.name == ONNX_FOLDER else []
    return (path, path.parent, *(file for file in above if file.is_file()))


def read_data(params: DataParams, step_index: int | None = None, seed: int = 0) -> Flow[ReadData]:
    """Read the data, merge duplicates and split without overlap; the result is cached by the contents."""
    places = [path for path in (params.path, params.calibration_path) if path is not None]
    done = yield from JobStep(
        "data",
        params,
        DataResult,
        "Read the examples",
        (Path(params.model_dir), *map(from_text, places)),
        cache=True,
        by_content=True,
        identity=dict.fromkeys(places, "data"),
        seed=seed,
        step_index=step_index,
    ).run()
    return replace(done, folder=done.folder / done.result.data_dir)


def reopened_model(artifacts: ArtifactStore, project: Project) -> OpenedModel | None:
    """Return the project's opened model, None if it must be opened again."""
    entry = artifacts.peek(project.model_key) if project.model_key else None
    result = _result_of(entry, OpenResult)
    return None if entry is None or result is None else OpenedModel(result, entry.folder / result.model_dir, entry.key)


def reopened_data(artifacts: ArtifactStore, project: Project) -> ReadData | None:
    """Return the project's data set, None if it must be read again."""
    entry = artifacts.peek(project.data_key) if project.data_key else None
    result = _result_of(entry, DataResult)
    return None if entry is None or result is None else ReadData(result, entry.folder / result.data_dir, entry.key)


def _result_of(entry: Entry | None, kind: type[R]) -> R | None:
    """Return the result of an entry, None if it is damaged: its documents have no hash."""
    try:
        return None if entry is None else kind.model_validate(entry.result)
    except ValidationError:
        return None
