"""Find batch axes of recurrent models and fixed batches, and sizes that a model does not state."""

import json
import shutil
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
def test_layouts_lstm_states_are_zeros_with_their_own_batch_axis(tmp_path, opened, x, state, batch_first, states):
    # Given an LSTM whose states have the batch in the second axis, in every form that exporters write
    path = lstm(tmp_path / "m.onnx", x, state, batch_first=batch_first, states=states)
    # When it is opened / Then it runs, carries no state over examples, and gives classes
    result, folder = opened(path)
    assert result.info.task == "array-classification"
    assert axes(folder) == {
        "x": ("array", 0 if batch_first else 1), states[0]: ("initial_state", 1), states[1]: ("initial_state", 1)
    }  # fmt: skip
    # When examples of 20 steps run one by one and at once / Then the predictions are those of ONNX Runtime itself
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


def test_layouts_given_state_replaces_the_zeros(tmp_path, opened):
    # Given data with an initial state / Then it replaces the zeros
    path = lstm(tmp_path / "m.onnx", ["batch", "time", WIDTH], STATES, batch_first=True)
    _, folder = opened(path)
    rng = np.random.default_rng(1)
    x, h, c = (rng.normal(size=shape).astype(np.float32) for shape in ((1, 7, WIDTH), (1, 1, HIDDEN), (1, 1, HIDDEN)))
    answer = load_pipeline(folder).answer(load(folder / "model.onnx", {}, 1), {"x": x, "h0": h, "c0": c})
    np.testing.assert_allclose(answer, alone(path, {"x": x, "h0": h, "c0": c})["logits"], atol=1e-5)


def test_layouts_plain_input_called_state_stays_an_input(tmp_path, opened, onnx_model, saved):
    # Given a model of two plain inputs, one of them called state / Then both are the user's
    inputs = {"state": ("FLOAT", ["batch", 4]), "action": ("FLOAT", ["batch", 4])}
    nodes = [("Add", ["state", "action"], ["s"], {}), ("MatMul", ["s", "w"], ["y"], {})]
    _, folder = opened(saved(onnx_model(nodes, inputs)))
    assert axes(folder) == {"state": ("array", 0), "action": ("array", 0)}


def test_layouts_fixed_batch_is_padded_and_the_padding_dropped(tmp_path, opened):
    # Given a model that takes two rows at once / When one and three rows are answered / Then there are as many answers
    path = perceptron(tmp_path / "m.onnx", [2, WIDTH])
    _, folder = opened(path)
    pipeline, session = load_pipeline(folder), load(folder / "model.onnx", {}, 1)
    rows = np.random.default_rng(2).normal(size=(3, WIDTH)).astype(np.float32)
    wanted = np.concatenate([alone(path, {"x": rows[[0, 1]]})["y"], alone(path, {"x": rows[[2, 2]]})["y"][:1]])
    assert pipeline.answer(session, pipeline.feeds_from({"x": rows[0]})).shape == (1, 5)
    np.testing.assert_allclose(pipeline.answer(session, {"x": rows}), wanted, atol=1e-5)


def npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


def hidden_sizes(onnx_model):
    """Build a model whose input has no shape and is read by no layer with weights first."""
    model = onnx_model("r = Relu (x); y = MatMul (r, w)")
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.ClearField("shape")
    return model


def test_sizes_are_derived_from_the_first_layers_weights(tmp_path, opened):
    # Given a model without any shape whose first layer takes 19 numbers / Then that is tried, runs, and gives classes
    result, folder = opened(perceptron(tmp_path / "m.onnx", None, width=19))
    spec = load_pipeline(folder).spec
    assert spec.inputs[0].shape == (None, 19) and spec.answer_kind == "class"
    assert result.info.task == "array-classification"


def test_sizes_are_read_from_the_data_or_requested(tmp_path, onnx_model, saved, opened, refused):
    # Given a model without sizes / When none is given / Then the error requests it
    path = saved(hidden_sizes(onnx_model))
    error = refused(path)
    assert error.code == "does_not_run" and [(one.name, one.sizes) for one in error.asks] == [("", ())]
    # When the NPZ has rows of four numbers / Then its header gives the size, and the model opens
    data = npz(tmp_path / "d.npz", x=np.zeros((9, 4), np.float32), y=np.zeros(9, np.int64))
    _, folder = opened(path, data_path=str(data))
    assert load_pipeline(folder).spec.inputs[0].shape == (None, 4)


def test_sizes_of_data_precede_those_of_the_user(onnx_model, saved, opened):
    # Given data of four numbers and a --shape of three / Then the data's size is used
    path = saved(hidden_sizes(onnx_model))
    _, folder = opened(path, item_shapes={"x": (4,)}, shapes={"": (1, 3)})
    assert load_pipeline(folder).spec.inputs[0].shape == (None, 4)


def test_sizes_of_user_or_data_precede_trials(onnx_model, saved, opened):
    # Given a free size that must be 40, which no trial hits / Then --shape and data each make it run
    nodes = [("Reshape", ["x", "rows"], ["r"], {}), ("MatMul", ["r", "w"], ["y"], {})]
    weights = {"rows": np.array([-1, 40]), "w": np.ones((40, 3), np.float32)}
    path = saved(onnx_model(nodes, {"x": ("FLOAT", ["n", "k"])}, {"y": ("FLOAT", ["n", 3])}, weights))
    for options in ({"shapes": {"": (1, 40)}}, {"item_shapes": {"x": (40,)}}):
        _, folder = opened(path, **options)
        assert load_pipeline(folder).spec.answer_kind == "class"

        shutil.rmtree(folder)


def test_sizes_first_axis_that_each_item_has_is_no_batch(tmp_path, opened):
    # Given a model of 2×16 numbers and data whose items are 2×16 / Then an item is one request, and no two
    path = perceptron(tmp_path / "m.onnx", [2, WIDTH])
    data = npz(tmp_path / "d.npz", x=np.zeros((9, 2, WIDTH), np.float32))
    _, folder = opened(path, data_path=str(data))
    pipeline = load_pipeline(folder)
    assert not pipeline.spec.inputs[0].batched
    assert pipeline.feeds_from({"x": np.zeros((2, WIDTH), np.float32)})["x"].shape == (2, WIDTH)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x00" * 100])
def test_sizes_of_unreadable_data_are_requested_from_the_user(tmp_path, onnx_model, saved, refused, content):
    # Given a broken NPZ / Then the size is requested as without it; reading the data reports the fault
    data = tmp_path / "d.npz"
    data.write_bytes(content)
    assert refused(saved(hidden_sizes(onnx_model)), data_path=str(data)).code == "does_not_run"
