"""Models whose batch is fixed at more than one are measured, calibrated and evaluated in groups of that size."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from evaluated import read_set
from odd_models import WIDTH, perceptron, weights
from onnx import helper
from PIL import Image
from recording import RecordingContext
from small_models import floats, model_of

from workers.contracts.errors import InputRefused
from workers.contracts.folder import read_model
from workers.contracts.jobs import OpenParams
from workers.convert.inference import calibration
from workers.evaluate.proof.predictions import collect_predictions
from workers.infer.onnxruntime_cpu import load
from workers.measure.requests import load_requests
from workers.model_io.opening import open_model
from workers.pipeline.batches import in_groups
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared


class Counting:
    """A session that records the number of rows of each request."""

    device_ran, fallbacks = "cpu", ()

    def __init__(self, path: Path) -> None:
        self.session, self.rows = load(path, {}, 1), list[int]()

    def run(self, feeds: Any) -> Any:
        self.rows.append(len(feeds["x"]))
        return self.session.run(feeds)

    def close(self) -> None:
        self.session.close()


@pytest.fixture
def pairs(tmp_path: Path) -> tuple[Path, Path, np.ndarray]:
    """Return a model that takes two rows at once, its data folder, and 51 rows, which give an odd number of test items."""
    values = np.random.default_rng(0).normal(size=(51, WIDTH)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x=values)
    opened = tmp_path / "open"
    opened.mkdir()
    path = perceptron(tmp_path / "m.onnx", [2, WIDTH])
    open_model(OpenParams(path=str(path)), RecordingContext(work_dir=opened))
    return opened / "model", read_set(opened / "model", tmp_path / "d.npz", tmp_path / "read")[1], values


def test_predictions_are_requested_in_pairs(pairs: tuple[Path, Path, np.ndarray], tmp_path: Path) -> None:
    """Given an odd number of examples, then two are predicted at a time, and the padding has no prediction."""
    model, data, _ = pairs
    items = Prepared(data / "test")
    session = Counting(model / "model.onnx")
    answers = collect_predictions(load_pipeline(model), session, items, RecordingContext(tmp_path))
    assert len(items) % 2 == 1 and answers.n == len(items)
    assert set(session.rows) == {2} and len(session.rows) == (len(items) + 1) // 2
    rows = np.concatenate([np.array(item["x"]) for item in items])
    weights = [np.asarray(load(model / "model.onnx", {}, 1).run({"x": rows[[i, i]]})["y"][0]) for i in range(len(rows))]
    np.testing.assert_allclose(np.stack(answers.answer), np.stack(weights), atol=1e-5)


def test_batches_of_pictures_hold_one_size(tmp_path: Path) -> None:
    """Given lines of three widths for a model of any width, When several are timed at once, Then a batch repeats its first
    line in place of those of another width."""
    means = helper.make_node("ReduceMean", ["x"], ["means"], axes=[2, 3], keepdims=0)
    nodes = [means, helper.make_node("MatMul", ["means", "w"], ["y"])]
    inputs, outputs = [floats("x", "n", 3, 16, "w")], [floats("y", "n", 3)]
    onnx.save(model_of(nodes, inputs, outputs, [weights("w", 3, 3)]), tmp_path / "m.onnx")
    (tmp_path / "lines").mkdir()
    for number in range(12):
        Image.new("RGB", (20 + 10 * (number % 3), 16), (number, 0, 0)).save(tmp_path / "lines" / f"{number}.png")
    opened = OpenParams(path=str(tmp_path / "m.onnx"), preprocess="resize=16x*")
    open_model(opened, RecordingContext(work_dir=tmp_path))
    data = read_set(tmp_path / "model", tmp_path / "lines", tmp_path / "read")[1]
    requests = load_requests(tmp_path / "model", data, batch=4)
    assert {feeds["x"].shape[:3] for feeds in requests.feeds} == {(4, 3, 16)}
    assert len({feeds["x"].shape[3] for feeds in requests.feeds}) > 1


def test_timed_requests_are_pairs(pairs: tuple[Path, Path, np.ndarray]) -> None:
    """Given a model of fixed pairs, then a request is a pair, and another batch size is refused with the right one."""
    model, data, _ = pairs
    requests = load_requests(model, data)
    assert requests.batch == 2 and {feeds["x"].shape for feeds in requests.feeds} == {(2, WIDTH)}
    assert load_requests(model, data, 2).batch == 2
    with pytest.raises(InputRefused) as caught:
        load_requests(model, data, 4)
    assert caught.value.code == "batch_is_fixed" and "batch 2" in caught.value.hint


def test_calibration_requests_are_pairs(pairs: tuple[Path, Path, np.ndarray], tmp_path: Path) -> None:
    """Given examples for a model of fixed pairs, then it is calibrated with pairs, the last one padded."""
    model, data, _ = pairs
    ctx, opened = RecordingContext(tmp_path, data_dir=data), read_model(model)
    items = np.concatenate([np.array(item["x"]) for item in Prepared(data / "calibration")])
    rows = items[:5]
    assert calibration.count_requests(opened, ctx, 100) == (len(items) + 1) // 2
    assert calibration.count_requests(opened, ctx, 2) == 2
    found = np.concatenate([feeds["x"] for feeds in calibration.requests(opened, ctx, 2)])
    np.testing.assert_array_equal(found, rows[:4])
    odd = list(in_groups(({"x": row[None]} for row in rows), load_pipeline(model).spec))
    np.testing.assert_array_equal(np.concatenate([feeds["x"] for feeds in odd]), rows[[0, 1, 2, 3, 4, 4]])
