"""Open a model and its data: what the Model and Data pages do, and the first steps of every command."""

from dataclasses import dataclass
from pathlib import Path

from app.services.flow.steps import Done, Flow, JobError, JobStep, R, limits_of_runtime
from app.services.opening.refusing import as_refusal
from workers.contracts.jobs import (
    DataParams,
    DataResult,
    InspectResult,
    OpenBesideParams,
    OpenBesideResult,
    OpenParams,
    OpenResult,
)
from workers.contracts.measured.beside import BESIDE, ONNX_FOLDER
from workers.contracts.paths import from_text
from workers.contracts.specs import ModelInfo


@dataclass(frozen=True)
class OpenedModel:
    """A model in the inner form. `folder` holds artifact.json, pipeline.json, info.json; `key` is its store key."""

    folder: Path
    key: str
    result: OpenResult

    @property
    def info(self) -> ModelInfo:
        """What `fettle inspect` tells."""
        return self.result.info


@dataclass(frozen=True)
class OpenedBeside:
    """A model that was made elsewhere, in the inner form, fed like an original; `key` is its store key."""

    folder: Path
    key: str
    result: OpenBesideResult


@dataclass(frozen=True)
class ReadData:
    """A data set, read, split and prepared for one model."""

    folder: Path
    key: str
    result: DataResult


def inspect_model(params: OpenParams, step_index: int | None = None) -> Flow[ModelInfo]:
    """Look at a model without converting it. Raises `JobError` (exit code 3) for what must not or cannot be opened."""
    path = from_text(params.path)
    step = JobStep(
        kind="inspect",
        params=params,
        result=InspectResult,
        title="Check the model",
        read_paths=(*_readable(path), *_data_of(params)),
        step_index=step_index,
    )
    return (yield from _refusing(step, path)).result.info


def open_model(params: OpenParams, step_index: int | None = None) -> Flow[OpenedModel]:
    """Check a model and convert it; answered from the store when the same file was opened in the same way before, and
    what lies beside it (tokenizer, preparation, labels, license) was the same, too.

    Sizes that the model leaves open come from the data first, where `data_path` names some. Raises `JobError` as
    `inspect_model` does.
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


def open_beside(params: OpenBesideParams, step_index: int | None = None) -> Flow[OpenedBeside]:
    """Open a model that was made elsewhere so that it can be judged in the place of an original.

    Answered from the store as `open_model` is. Raises `JobError` (exit code 3) for what cannot be opened or is of
    another interface than the original, with what differs in the error's facts.
    """
    opening = params.opening.model_copy(update={"to_prove": True, "data_path": None})
    path = from_text(opening.path)
    step = JobStep(
        kind="open_beside",
        params=params.model_copy(update={"opening": opening}),
        result=OpenBesideResult,
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
    # the same content may have lain elsewhere when it was opened first
    origin = done.result.elsewhere.model_copy(update={"path": params.opening.path})
    result = done.result.model_copy(update={"elsewhere": origin})
    return OpenedBeside(done.folder / result.model_dir, done.key, result)


def _identity(params: OpenParams) -> dict[str, str]:
    """Where they lie does not matter; what they are, the job finds out."""
    return {params.path: "model", **({} if params.data_path is None else {params.data_path: "data"})}


def _data_of(params: OpenParams) -> tuple[Path, ...]:
    return () if params.data_path is None else (from_text(params.data_path),)


def _may_need_torch(path: Path) -> bool:
    """By the name alone; whoever is wrong here only waits a second longer."""
    return path.suffix != ".onnx"


def _refusing(step: JobStep[R], path: Path) -> Flow[Done[R]]:
    """The step; where the file ends the job, that is told as a refusal."""
    try:
        done: Done[R] = yield step
    except JobError as error:
        raise as_refusal(error, path) from error
    return done


def _readable(path: Path) -> tuple[Path, ...]:
    """External data, labels and configuration lie beside a model file; what may be read there, the worker decides."""
    if path.is_dir():
        return (path,)
    # of the folder above, which may hold anything of the person's, only these
    above = [path.parent.parent / name for name in BESIDE] if path.parent.name == ONNX_FOLDER else []
    return (path, path.parent, *(file for file in above if file.is_file()))


def read_data(params: DataParams, step_index: int | None = None, seed: int = 0) -> Flow[ReadData]:
    """Read, merge doubles, split without overlap. Kept under what the data hold, wherever they lie."""
    places = [path for path in (params.path, params.calibration_path) if path is not None]
    done: Done[DataResult] = yield JobStep(
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
