"""Pipelines without models, folders of small pictures, and answers that are known beforehand."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluated import read_set, small_spec, write_words
from PIL import Image
from recording import RecordingContext

from workers.contracts.jobs import DataResult
from workers.contracts.pipeline import write_pipeline
from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.proof.predictions import Predictions, predict
from workers.pipeline.spec import (
    ArraySteps,
    AudioSteps,
    ImageSteps,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    TextSteps,
)
from workers.runtime.kinds import load_job

CLASSES = ("cat, tabby cat", "dog", "bird")
WORDS = ("[UNK]", "[PAD]", "good", "bad", "film", "weather", "very", "the", "was", "today", "really")


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Any]:
    """Run a job kind in a new work folder; return its result and that folder."""
    count = iter(range(100))

    def run(kind: str, params: Any, **context: Any) -> tuple[Any, Path]:
        work = tmp_path / f"job{next(count)}"
        work.mkdir()
        return load_job(kind).run(params, RecordingContext(work, **context)), work

    return run


SPECS = {
    "pictures": small_spec(
        "image-classification", "image", (None, 3, 8, 8), (None, 3), ImageSteps(resize=(8, 8)), classes=CLASSES
    ),
    "numbers": small_spec("array-classification", "array", (None, 4), (None, 3), ArraySteps()),
    "texts": small_spec(
        "text-classification",
        "input_ids",
        (None, None),
        (None, 2),
        TextSteps(),
        dtype="int64",
        classes=("negative", "positive"),
    ),
    "sounds": PipelineSpec(
        task="audio-frames",
        inputs=(
            PipelineInput(name="input", dtype="float32", shape=(1, 160), source="audio"),
            PipelineInput(name="state", dtype="float32", shape=(1, 2), source="state"),
        ),
        outputs=(
            PipelineOutput(name="output", dtype="float32", shape=(1, 1), answer=True),
            PipelineOutput(name="next", dtype="float32", shape=(1, 2)),
        ),
        preprocess=AudioSteps(sample_rate_hz=8000, frame_samples=160),
        answer_kind="score",
        scores="probabilities",
        links={"state": "next"},
    ),
}


@pytest.fixture
def model_dir(tmp_path: Path) -> Callable[[str], Path]:
    """A folder that holds only a pipeline.json (and a tokenizer of whole words for texts)."""

    def make(kind: str) -> Path:
        folder = tmp_path / f"model-{kind}"
        folder.mkdir(exist_ok=True)
        write_pipeline(folder, SPECS[kind])
        if kind == "texts":
            write_words(folder / "tokenizer.json", WORDS)
        return folder

    return make


@pytest.fixture
def run_data(tmp_path: Path, model_dir: Callable[[str], Path]) -> Callable[..., tuple[DataResult, Path]]:
    """Run the job ``data``; gives its result and the data folder."""
    count = iter(range(100))

    def run(kind: str, path: Path | None, **params: Any) -> tuple[DataResult, Path]:
        return read_set(model_dir(kind), path, tmp_path / f"work{next(count)}", **params)

    return run


@pytest.fixture
def picture() -> Callable[..., Path]:
    """Write one small picture whose content depends on its number alone."""

    def write(path: Path, number: int, mode: str = "RGB") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(number).integers(0, 256, (12, 12, 3), dtype=np.uint8)
        Image.fromarray(values).convert(mode).save(path)
        return path

    return write


@pytest.fixture
def words() -> Callable[[DataResult], str]:
    """All findings of a result in one text."""
    return lambda result: "\n".join(finding.what for finding in result.findings)


def _answers_of(
    parts: Sequence[Any], kind: str, scores: str = "probabilities", stateful: bool = False, **others: Any
) -> Predictions:
    values = [np.asarray(part, np.float32) for part in parts]
    finite = np.asarray([bool(np.isfinite(part).all()) for part in values])
    predicted = predict(values, finite, kind, scores, stateful)
    return Predictions(values, predicted, finite, others, kind, scores, stateful)


def _class_answers(predicted: Sequence[int], classes: int = 3, sure: float = 0.9) -> Predictions:
    rows = np.full((len(predicted), classes), (1 - sure) / (classes - 1), np.float32)
    rows[np.arange(len(predicted)), predicted] = sure
    rows[np.asarray(predicted) < 0] = np.nan
    return _answers_of(list(rows), "class")


@pytest.fixture
def answers_of() -> Callable[..., Predictions]:
    """Answers made of arrays, one for each item."""
    return _answers_of


@pytest.fixture
def class_answers() -> Callable[..., Predictions]:
    """Probabilities whose largest is at the given classes; −1 gives NaN."""
    return _class_answers


@pytest.fixture
def labelled() -> Callable[..., DataSet]:
    """A data set of these labels: a class number, several accepted ones, or None."""

    def make(labels: Sequence[Any], origin: Any = "person") -> DataSet:
        accepted = [() if x is None else x if isinstance(x, tuple) else (int(x),) for x in labels]
        items = tuple(Item(f"item {i}", None, ids) for i, ids in enumerate(accepted))
        return DataSet("arrays", origin, None, CLASSES, test=items)

    return make
