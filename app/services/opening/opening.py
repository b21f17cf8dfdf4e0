"""Open a model and its data, as the Model and Data pages and the first steps of every command do."""

from dataclasses import dataclass
from pathlib import Path

from app.services.flow.steps import Flow, JobError, JobStep, R, StepResult, limits_of_runtime
from app.services.opening.refusing import as_refusal
from workers.contracts.jobs import (
    DataParams,
    DataResult,
    OpenBesideParams,
    OpenParams,
    OpenResult,
)
from workers.contracts.measured.beside import BESIDE, ONNX_FOLDER
from workers.contracts.paths import from_text
from workers.contracts.specs import ModelInfo


@dataclass(frozen=True)
class OpenedModel:
    """A model in the inner form; `folder` holds artifact.json, pipeline.json, info.json, and `key` is its store key."""

    folder: Path
    key: str
    result: OpenResult

    @property
    def info(self) -> ModelInfo:
        """Return the facts that `fettle inspect` prints."""
        return self.result.info


@dataclass(frozen=True)
class ReadData:
    """A data set that was read, split and prepared for one model."""

    folder: Path
    key: str
    result: DataResult


def inspect_model(params: OpenParams, step_index: int | None = None) -> Flow[ModelInfo]:
    """Return facts about a model without converting it; raise `JobError` (exit code 3) if it is refused."""
    path = from_text(params.path)
    step = JobStep(
        kind="inspect",
        params=params,
        result=ModelInfo,
        title="Check the model",
        read_paths=(*_readable(path), *_data_of(params)),
        step_index=step_index,
    )
    return (yield from _refusing(step, path)).result


def open_model(params: OpenParams, step_index: int | None = None) -> Flow[OpenedModel]:
    """Check a model and convert it; the result is cached by the contents of the file and its companions.

    Companions are the tokenizer, preparation, labels and license beside it. Sizes that the model leaves open come from
    the data first, if `data_path` names some. Raises `JobError` as `inspect_model` does.
    """
    path = from_text(params.path)
    step = JobStep(
        kind="open",
        params=params,
        result=OpenResult,
        title="Open the model",
        read_paths=(*_readable(path), *_data_of(params)),
        cache=True,
        by_content=True,
        identity=_identity(params),
        torch=_may_need_torch(path),
        step_index=step_index,
    )
    done = yield from _refusing(step, path)
    if done.key is None:
        raise RuntimeError("an opened model is always kept")
    return OpenedModel(done.folder / done.result.model_dir, done.key, done.result)


def open_beside(params: OpenBesideParams, step_index: int | None = None) -> Flow[OpenedModel]:
    """Open a model that was made elsewhere so that it can be judged in place of an original, cached as in `open_model`.

    Raises:
        JobError: (exit code 3) It cannot be opened or has other inputs or outputs; the error's facts name the
            difference.
    """
    opening = params.opening.model_copy(update={"to_prove": True, "data_path": None})
    path = from_text(opening.path)
    step = JobStep(
        kind="open_beside",
        params=params.model_copy(update={"opening": opening}),
        result=OpenResult,
        title="Open the other model",
        read_paths=(*_readable(path), Path(params.model_dir), Path(params.data_dir)),
        cache=True,
        by_content=True,
        identity=_identity(opening),
        torch=_may_need_torch(path),
        limits=limits_of_runtime(params.runtime or params.original_runtime, params.original_settings),
        step_index=step_index,
    )
    done = yield from _refusing(step, path)
    if done.key is None:
        raise RuntimeError("an opened model is always kept")
    assert done.result.elsewhere is not None
    # the same content may have been elsewhere when it was opened first
    origin = done.result.elsewhere.model_copy(update={"path": params.opening.path})
    result = done.result.model_copy(update={"elsewhere": origin})
    return OpenedModel(done.folder / result.model_dir, done.key, result)


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
        done: StepResult[R] = yield step
    except JobError as error:
        raise as_refusal(error, path) from error
    return done


def _readable(path: Path) -> tuple[Path, ...]:
    """Return the paths that the worker may read: external data, labels and configuration lie beside a model file."""
    if path.is_dir():
        return (path,)
    # the folder above may hold anything of the person's, so only these files of it
    above = [path.parent.parent / name for name in BESIDE] if path.parent.name == ONNX_FOLDER else []
    return (path, path.parent, *(file for file in above if file.is_file()))


def read_data(params: DataParams, step_index: int | None = None, seed: int = 0) -> Flow[ReadData]:
    """Read the data, merge duplicates and split without overlap; the result is cached by the contents."""
    places = [path for path in (params.path, params.calibration_path) if path is not None]
    done: StepResult[DataResult] = yield JobStep(
        kind="data",
        params=params,
        result=DataResult,
        title="Read the examples",
        read_paths=(Path(params.model_dir), *map(from_text, places)),
        cache=True,
        by_content=True,
        identity=dict.fromkeys(places, "data"),
        seed=seed,
        step_index=step_index,
    )
    if done.key is None:
        raise RuntimeError("read data are always kept")
    return ReadData(done.folder / done.result.data_dir, done.key, done.result)
