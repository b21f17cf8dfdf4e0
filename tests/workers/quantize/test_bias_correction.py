"""Biases that take back what 8 bits do to the mean of a layer's results."""

from pathlib import Path

import numpy as np
import pytest
from onnx import numpy_helper
from recording import RecordingContext
from technique_cases import TECHNIQUES, narrow

from workers.contracts.errors import InputRefused
from workers.contracts.jobs import ApplyParams
from workers.contracts.specs import RecipeStep
from workers.convert.graphs import onnx_files
from workers.jobs.apply import run
from workers.measure.opening import open_session
from workers.quantize import bias_correction


def apply(small, folder: Path, *techniques: str, **first: object) -> tuple[str, ...]:
    """The notes of what a recipe leaves in `folder`."""
    folder.mkdir(exist_ok=True)
    steps = [RecipeStep(technique=technique) for technique in techniques]
    steps[0] = RecipeStep(technique=techniques[0], params=first)
    params = ApplyParams(model_dir=str(small.folder), steps=tuple(steps), data_dir=str(small.data))
    return run(params, RecordingContext(folder, data_dir=small.data)).artifact.notes


def errors(small, folder: Path, runtime: str) -> float:
    """Mean squared error of the answers to inputs that nothing has learned from."""
    original, other = open_session(small.folder, "onnxruntime-cpu", {}, 1), open_session(folder, runtime, {}, 1)
    gone = [original.run(feeds)["logits"] - other.run(feeds)["logits"] for feeds in small.items(16)]
    return float(np.mean(np.square(gone)))


def test_correction_restores_the_mean(make_small, tmp_path: Path) -> None:
    """Given small weights that 8 bits make 0, Then biases give their sum back, in each engine, with a note."""
    small = make_small("hidden_weights")
    params = narrow(TECHNIQUES["int8_static"])
    apply(small, tmp_path / "plain", "int8_static", **params)
    notes = apply(small, tmp_path / "corrected", "int8_static", "bias_correction", **params)
    assert "3 layers" in notes[-1] and "set aside" in notes[-1]
    for runtime in ("onnxruntime-cpu", "openvino"):
        before, after = (errors(small, tmp_path / name / "model", runtime) for name in ("plain", "corrected"))
        assert after < 0.1 * before


def test_correction_changes_biases_alone(make_small, tmp_path: Path) -> None:
    """Given a corrected model, Then nodes and weights are those of the INT8 model, so it takes the same time."""
    small = make_small("hidden_weights")
    apply(small, tmp_path / "plain", "int8_static")
    apply(small, tmp_path / "corrected", "int8_static", "bias_correction")
    plain, corrected = (onnx_files.load(tmp_path / name / "model/model.onnx") for name in ("plain", "corrected"))
    assert [node.op_type for node in plain.graph.node] == [node.op_type for node in corrected.graph.node]
    new = {tensor.name: numpy_helper.to_array(tensor) for tensor in corrected.graph.initializer}
    for tensor in plain.graph.initializer:
        if len(tensor.dims) > 1:
            np.testing.assert_array_equal(new[tensor.name], numpy_helper.to_array(tensor))


def test_correction_without_a_gain_is_refused(make_small, tmp_path: Path) -> None:
    """Given a model that 8 bits hardly touch, Then nothing is changed, the error has both figures and nothing is left."""
    small = make_small("nhwc")
    with pytest.raises(InputRefused, match="before and") as caught:
        apply(small, tmp_path / "job", "int8_static", "bias_correction")
    assert caught.value.hint == "Leave this step out."
    assert list((tmp_path / "job").iterdir()) == []


def test_correction_without_int8_is_refused(make_small, tmp_path: Path) -> None:
    small = make_small("hidden_weights")
    with pytest.raises(InputRefused, match="another step"):
        apply(small, tmp_path / "job", "bias_correction")
    ctx = RecordingContext(tmp_path, data_dir=small.data, original=small.folder)
    with pytest.raises(InputRefused, match="nothing to correct"):
        bias_correction.apply(small.model, bias_correction.Params(), ctx)


def test_few_examples_are_refused(make_small, tmp_path: Path) -> None:
    """Given three examples, Then there are too few to learn from some and check with others."""
    small = make_small("hidden_weights", items=3)
    with pytest.raises(InputRefused, match="there are 3"):
        apply(small, tmp_path / "job", "int8_static", "bias_correction")


def test_layers_without_a_bias_are_not_corrected(make_small, tmp_path: Path) -> None:
    small = make_small("transformer")
    with pytest.raises(InputRefused, match="has a bias"):
        apply(small, tmp_path / "job", "int8_static", "bias_correction")
