"""Check that the built-in sample is complete, small, documented, and describes its own preparation."""

import hashlib

import numpy as np
import onnx
import pytest

from presets.sample import FOLDER, sample_paths
from workers.contracts.pipeline import parse_pipeline


def metadata() -> dict[str, str]:
    model = onnx.load(sample_paths().model)
    return {entry.key: entry.value for entry in model.metadata_props}


def test_sample_is_smaller_than_two_megabytes() -> None:
    total = sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file())
    assert total < 2_000_000


def test_sample_pictures_are_labelled_and_evenly_distributed() -> None:
    """Given the shipped pictures, Then there are at least 1,000, equally many of 10 classes and no two equal."""
    with np.load(sample_paths().data, allow_pickle=False) as data:
        x, y, classes = data["x"], data["y"], data["classes"]
    assert x.dtype == np.uint8 and x.shape[1:] == (28, 28) and len(x) == len(y) >= 1000
    assert np.unique(np.bincount(y, minlength=10)).size == 1
    assert len({picture.tobytes() for picture in x}) == len(x)
    assert tuple(classes) == parse_pipeline(metadata()["fettle.pipeline"]).classes


def test_sample_model_contains_license_and_pipeline() -> None:
    facts = metadata()
    pipeline = parse_pipeline(facts["fettle.pipeline"])
    assert facts["license"] == "MIT"
    assert pipeline.task == "image-classification" and pipeline.answer_kind == "class"
    assert pipeline.inputs[0].shape == (None, 1, 28, 28)
    model = onnx.load(sample_paths().model)
    assert [value.name for value in model.graph.input] == [pipeline.inputs[0].name]
    assert [value.name for value in model.graph.output] == [pipeline.outputs[0].name]


def test_sample_origin_names_license_and_hashes() -> None:
    """Given ORIGIN.md, then the hashes in it are those of the files beside it."""
    text = (FOLDER / "ORIGIN.md").read_text(encoding="utf-8")
    paths = sample_paths()
    for path in (paths.model, paths.data):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in text
    assert "MIT" in text and "Zalando" in (FOLDER / "LICENSE.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("batch", [1, 100])
def test_sample_model_is_right_on_unseen_pictures(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given 400 shipped pictures with the model's own preparation, Then at least 88 % are right."""
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    steps = parse_pipeline(metadata()["fettle.pipeline"]).preprocess
    assert steps.kind == "image"
    with np.load(sample_paths().data, allow_pickle=False) as data:
        x, y = data["x"][:400], data["y"][:400]
    ready = ((x[:, None].astype(np.float32) / 255 - steps.mean[0]) / steps.std[0]).astype(np.float32)
    session = onnxruntime.InferenceSession(sample_paths().model)
    parts = [session.run(None, {"picture": ready[i : i + batch]})[0] for i in range(0, len(ready), batch)]
    assert (np.concatenate(parts).argmax(1) == y).mean() >= 0.88  # 400 of 1,400: three standard errors below .93
