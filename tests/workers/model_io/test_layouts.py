"""Where the batch stands: recurrent models whose states count items along their second axis, and fixed batches."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from odd_models import HIDDEN, WIDTH, lstm, perceptron

from workers.infer.onnxruntime_cpu import load
from workers.pipeline.pipeline import load_pipeline

STATES = [1, "batch", HIDDEN]


def alone(path: Path, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def axes(folder: Path) -> dict[str, tuple[str, int]]:
    spec = json.loads((folder / "pipeline.json").read_text(encoding="utf-8"))
    return {entry["name"]: (entry["source"], entry["batch_axis"]) for entry in (*spec["inputs"],)}


@pytest.mark.parametrize(
    ("x", "state", "batch_first", "states"),
    [
        (["batch", "time", WIDTH], STATES, True, ("h0", "c0", "hn", "cn")),
        (["batch", "time", WIDTH], STATES, True, ("initial_h", "initial_c", "final_h", "final_c")),
        ([None, None, WIDTH], [1, None, HIDDEN], True, ("h0", "c0", "hn", "cn")),
        (["time", "batch", WIDTH], STATES, False, ("h0", "c0", "hn", "cn")),
        ([None, None, WIDTH], [1, None, HIDDEN], False, ("h0", "c0", "hn", "cn")),
        (["time", "batch", WIDTH], STATES, False, ("h", "c", "hn", "cn")),
        ([3, 20, WIDTH], [1, 3, HIDDEN], True, ("h0", "c0", "hn", "cn")),
    ],
)
def test_states_are_made_in_their_own_shape(tmp_path, opened, x, state, batch_first, states):
    # Given an LSTM whose states have the batch in the second axis, in every way that exporters write it
    path = lstm(tmp_path / "m.onnx", x, state, batch_first=batch_first, states=states)
    # When it is opened / Then it runs, is no carrier of states over examples, and gives classes
    result, folder = opened(path)
    assert result.info.task == "array-classification"
    assert axes(folder) == {
        "x": ("array", 0 if batch_first else 1), states[0]: ("initial_state", 1), states[1]: ("initial_state", 1)
    }  # fmt: skip
    # When examples of 20 moments are answered one by one and three at once / Then as ONNX Runtime itself answers them
    pipeline, session = load_pipeline(folder), load(folder / "model.onnx", {}, 1)
    rows = np.random.default_rng(0).normal(size=(3, 20, WIDTH)).astype(np.float32)
    zeros = np.zeros((1, 3, HIDDEN), np.float32)
    given = rows if batch_first else rows.transpose(1, 0, 2)
    wanted = alone(path, {"x": given, states[0]: zeros, states[1]: zeros})
    items = [pipeline.feeds_from({"x": row}) for row in rows]
    one_by_one = np.concatenate([pipeline.answer(session, feeds) for feeds in items])
    at_once = pipeline.run(session, pipeline.batch(items))
    np.testing.assert_allclose(one_by_one, wanted["logits"], atol=1e-5)
    np.testing.assert_allclose(at_once["logits"], wanted["logits"], atol=1e-5)
    np.testing.assert_allclose(at_once[states[2]], wanted[states[2]].transpose(1, 0, 2), atol=1e-5)


def test_a_state_that_is_given_is_taken(tmp_path, opened):
    # Given data that hold a beginning state of their own / Then it goes in, and not zeros
    path = lstm(tmp_path / "m.onnx", ["batch", "time", WIDTH], STATES, batch_first=True)
    _, folder = opened(path)
    rng = np.random.default_rng(1)
    x, h, c = (rng.normal(size=shape).astype(np.float32) for shape in ((1, 7, WIDTH), (1, 1, HIDDEN), (1, 1, HIDDEN)))
    answer = load_pipeline(folder).answer(load(folder / "model.onnx", {}, 1), {"x": x, "h0": h, "c0": c})
    np.testing.assert_allclose(answer, alone(path, {"x": x, "h0": h, "c0": c})["logits"], atol=1e-5)


def test_an_ordinary_input_called_state_is_no_beginning(tmp_path, opened, onnx_model, saved):
    # Given a model of two plain inputs, one of them called state / Then both are what the person gives
    inputs = {"state": ("FLOAT", ["batch", 4]), "action": ("FLOAT", ["batch", 4])}
    nodes = [("Add", ["state", "action"], ["s"], {}), ("MatMul", ["s", "w"], ["y"], {})]
    _, folder = opened(saved(onnx_model(nodes, inputs)))
    assert axes(folder) == {"state": ("array", 0), "action": ("array", 0)}


def test_a_fixed_batch_is_filled_up_and_its_padding_dropped(tmp_path, opened):
    # Given a model that takes two rows at once / When one and three rows are answered / Then there are as many answers
    path = perceptron(tmp_path / "m.onnx", [2, WIDTH])
    _, folder = opened(path)
    pipeline, session = load_pipeline(folder), load(folder / "model.onnx", {}, 1)
    rows = np.random.default_rng(2).normal(size=(3, WIDTH)).astype(np.float32)
    wanted = np.concatenate([alone(path, {"x": rows[[0, 1]]})["y"], alone(path, {"x": rows[[2, 2]]})["y"][:1]])
    assert pipeline.answer(session, pipeline.feeds_from({"x": rows[0]})).shape == (1, 5)
    np.testing.assert_allclose(pipeline.answer(session, {"x": rows}), wanted, atol=1e-5)
