"""Real models and real data, from the data to the verdict (FETTLE_MODELS_DIR)."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluated import answers_for, judged

from workers.contracts.jobs import DataParams, DataResult, OpenParams
from workers.evaluate.data.dataset import read_dataset
from workers.evaluate.proof.predictions import load_answers
from workers.runtime.kinds import load_job
from workers.runtime.recording import RecordingContext

pytestmark = pytest.mark.models
Make = Callable[..., Any]
MODELS = {
    "mobilenet": ("P/P01_mobilenetv2_imagenet/derived_mobilenet_v2_op17.onnx", "DATA/imagenet_stamps"),
    "minilm": ("P/P03_all_minilm_l6_safetensors", "DATA/sentiment_vader.csv"),
    "silero": ("P/P05_silero_vad/silero_vad_openvino_16k.onnx", "DATA/vad_frames.npz"),
    "magika": ("P/P08_magika_filetype/model.onnx", "DATA/filetypes_magika.npz"),
}


@pytest.fixture(scope="module")
def root() -> Path:
    return Path(os.environ["FETTLE_MODELS_DIR"])


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Make:
    def run(kind: str, params: Any) -> tuple[Any, Path]:
        work = tmp_path_factory.mktemp(kind)
        return load_job(kind).run(params, RecordingContext(work, threads=2)), work

    return run


@pytest.fixture(scope="module")
def opened(root: Path, job: Make) -> Make:
    """The model's folder and its data, by name; opened once."""
    done: dict[tuple[str, int], tuple[Path, DataResult, Path]] = {}

    def run(name: str, max_test: int = 300) -> tuple[Path, DataResult, Path]:
        if (name, max_test) not in done:
            model, data = MODELS[name]
            result, work = job("open", OpenParams(path=str(root / model)))
            folder = work / result.model_dir
            found, at = job("data", DataParams(model_dir=str(folder), path=str(root / data), max_test=max_test))
            done[name, max_test] = folder, found, at / found.data_dir
        return done[name, max_test]

    return run


def test_mobilenet_on_stamps(job: Make, opened: Make) -> None:
    """Given 180 drawings with accepted labels, then accuracy is about .69, and an equal variant lacks examples."""
    folder, found, data = opened("mobilenet")
    assert (found.n_items, found.n_test, found.n_calibration, found.labelled) == (180, 144, 36, True)
    old = answers_for(job, folder, data)
    new = answers_for(job, folder, data, "openvino", inference_precision="f32")
    judgement = judged(job, data, old, new)
    assert judgement.original_accuracy == pytest.approx(0.69, abs=0.05)
    assert judgement.verdict == "not_enough_data" and judgement.agreement == 1.0
    assert judgement.missing_examples is not None and 200 < judgement.missing_examples < 600


def test_minilm_on_sentiment(job: Make, opened: Make) -> None:
    """Given a CSV whose text column is found by name, then embeddings of both runtimes are the same, proven."""
    folder, found, data = opened("minilm")
    assert found.n_test == 300 and not found.labelled
    assert any("“text”" in finding.what for finding in found.findings)
    old = answers_for(job, folder, data)
    judgement = judged(job, data, old, answers_for(job, folder, data, "openvino", inference_precision="f32"))
    assert judgement.verdict == "not_enough_data" and judgement.changed_count == 0 and judgement.agreement == 1.0


def test_silero_over_sequences(job: Make, opened: Make, tmp_path: Path) -> None:
    """Given labelled recordings, then accuracy is told, 32 bits are safe, and a state that is not carried is caught."""
    folder, found, data = opened("silero")
    assert (found.n_test, found.n_calibration, found.labelled) == (96, 24, True)
    old = answers_for(job, folder, data)
    new = answers_for(job, folder, data, "openvino", inference_precision="f32")
    same = judged(job, data, old, new)
    assert same.verdict == "safe" and same.original_accuracy is not None and same.original_accuracy > 0.95
    assert any("ROC curve: 0.99" in note for note in same.notes)
    forgetful = tmp_path / "forgetful.npz"
    with np.load(old) as arrays:
        flat = arrays["answer"] * np.where(np.arange(len(arrays["answer"])) % 3, 1, 0.6).astype(np.float32)
        np.savez(forgetful, **{**arrays, "answer": flat})
    assert judged(job, data, old, forgetful).verdict == "regressed"


def test_magika_on_file_types(job: Make, opened: Make) -> None:
    """Given 1,103 files' tokens, then accuracy is about .925; an equal variant is safe, a swapped class is named."""
    folder, found, data = opened("magika")
    assert 280 < found.n_test <= 300 and found.labelled and found.kind == "arrays"
    old = answers_for(job, folder, data)
    stored = load_answers(old)
    same = judged(job, data, old, old)
    assert same.original_accuracy == pytest.approx(0.92, abs=0.04)
    assert stored.predicted is not None
    most = int(np.bincount(stored.predicted).argmax())
    broken = old.parent / "broken.npz"
    with np.load(old) as arrays:
        swapped = arrays["answer"].copy()
        swapped[:, most] = 0.0
        np.savez(broken, **{**arrays, "answer": swapped, "predicted": swapped.argmax(axis=1)})
    judgement = judged(job, data, old, broken)
    assert judgement.verdict == "regressed"
    assert judgement.worst_slice == read_dataset(data).class_name(most)
