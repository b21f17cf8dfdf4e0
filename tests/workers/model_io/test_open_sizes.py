"""Sizes that a model does not say: from the person's data first, then from --shape, then from what runs."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from odd_models import WIDTH, perceptron

from workers.pipeline.pipeline import load_pipeline


def npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


def hidden_sizes(onnx_model):
    """A model whose input has no shape and goes into no layer with weights first."""
    model = onnx_model("r = Relu (x); y = MatMul (r, w)")
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.ClearField("shape")
    return model


def test_the_weights_of_the_first_layer_tell_a_size(tmp_path, opened):
    # Given a model without any shape whose first layer takes 19 numbers / Then that is tried, runs, and gives classes
    result, folder = opened(perceptron(tmp_path / "m.onnx", None, width=19))
    spec = load_pipeline(folder).spec
    assert spec.inputs[0].shape == (None, 19) and spec.answer_kind == "class"
    assert result.info.task == "array-classification"


def test_the_data_tell_a_size_that_nothing_else_does(tmp_path, onnx_model, saved, opened, refused):
    # Given a model that hides its sizes / When nothing is said / Then it is asked for, as a typed question
    path = saved(hidden_sizes(onnx_model))
    error = refused(path)
    assert error.code == "does_not_run" and [(asked.name, asked.sizes) for asked in error.asks] == [("", ())]
    # When the NPZ has rows of four numbers / Then that is read off its header, and the model opens
    data = npz(tmp_path / "d.npz", x=np.zeros((9, 4), np.float32), y=np.zeros(9, np.int64))
    _, folder = opened(path, data_path=str(data))
    assert load_pipeline(folder).spec.inputs[0].shape == (None, 4)


def test_data_come_before_what_a_person_names(onnx_model, saved, opened):
    # Given data of four numbers and a --shape of three / Then the data's size is taken, which is what will be fed
    path = saved(hidden_sizes(onnx_model))
    _, folder = opened(path, item_shapes={"x": (4,)}, shapes={"": (1, 3)})
    assert load_pipeline(folder).spec.inputs[0].shape == (None, 4)


def test_named_sizes_come_before_trials(onnx_model, saved, opened):
    # Given a free size that must be 40, which no trial hits / Then --shape and data each make it run
    nodes = [("Reshape", ["x", "rows"], ["r"], {}), ("MatMul", ["r", "w"], ["y"], {})]
    weights = {"rows": np.array([-1, 40]), "w": np.ones((40, 3), np.float32)}
    path = saved(onnx_model(nodes, {"x": ("FLOAT", ["n", "k"])}, {"y": ("FLOAT", ["n", 3])}, weights))
    for told in ({"shapes": {"": (1, 40)}}, {"item_shapes": {"x": (40,)}}):
        _, folder = opened(path, **told)
        assert load_pipeline(folder).spec.answer_kind == "class"

        shutil.rmtree(folder)


def test_a_first_size_that_each_item_has_is_no_batch(tmp_path, opened):
    # Given a model of 2×16 numbers and data whose items are 2×16 / Then an item is one request, and no two
    path = perceptron(tmp_path / "m.onnx", [2, WIDTH])
    data = npz(tmp_path / "d.npz", x=np.zeros((9, 2, WIDTH), np.float32))
    _, folder = opened(path, data_path=str(data))
    pipeline = load_pipeline(folder)
    assert not pipeline.spec.inputs[0].batched
    assert pipeline.feeds_from({"x": np.zeros((2, WIDTH), np.float32)})["x"].shape == (2, WIDTH)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x00" * 100])
def test_data_that_cannot_be_read_say_no_size(tmp_path, onnx_model, saved, refused, content):
    # Given a broken NPZ / Then the size is asked for as without it: reading the data will say what is wrong with them
    data = tmp_path / "d.npz"
    data.write_bytes(content)
    assert refused(saved(hidden_sizes(onnx_model)), data_path=str(data)).code == "does_not_run"
