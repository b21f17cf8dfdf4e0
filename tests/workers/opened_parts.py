"""Models of several parts as the program opens and runs them."""

from collections.abc import Sequence
from pathlib import Path

from recording import RecordingContext

from workers.contracts.jobs import DataParams, OpenParams
from workers.evaluate.proof.predictions import Predictions, collect_predictions, load_predictions, save_predictions
from workers.measure.opening import open_session
from workers.model_io.opening import open_model
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared
from workers.runtime.kinds import load_job


def opened_of(source: Path, work: Path) -> Path:
    """The folder of the opened model."""
    work.mkdir(exist_ok=True)
    return work / open_model(OpenParams(path=str(source)), RecordingContext(work)).model_dir


def data_of(opened: Path, work: Path, lines: Sequence[str]) -> Path:
    """A table of these lines, read for the model."""
    (work / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    params = DataParams(model_dir=str(opened), path=str(work / "table.csv"))
    return work / load_job("data").run(params, RecordingContext(work)).data_dir


def answers_of(folder: Path, data: Path, work: Path, runtime: str = "onnxruntime-cpu") -> Predictions:
    """What the model answers to the test items."""
    session = open_session(folder, runtime, {}, 1)
    try:
        return collect_predictions(load_pipeline(folder), session, Prepared(data / "test"), RecordingContext(work))
    finally:
        session.close()


def kept_answers_of(folder: Path, data: Path, work: Path, runtime: str = "onnxruntime-cpu") -> Predictions:
    """What the model answers to the test items, as it is kept on disk."""
    save_predictions(work / "answers.npz", answers_of(folder, data, work, runtime))
    return load_predictions(work / "answers.npz")
