"""Channels evened out before INT8: the same predictions, and less is lost after it."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from recording import RecordingContext
from small_models import RNG, floats, model_of, predictions, weight

from workers.contracts.errors import InputRefused
from workers.contracts.jobs import ApplyParams
from workers.contracts.specs import RecipeStep
from workers.convert.graphs import onnx_files
from workers.jobs.apply import run
from workers.quantize import smooth_quant

WIDTH = 20


def build(norm: bool) -> onnx.ModelProto:
    """Two products that share their input; two of its channels are two hundred times larger than the others."""
    rng = RNG(51)
    scale = np.ones(WIDTH, np.float32)
    scale[[3, 11]] = 200
    tensors = [numpy_helper.from_array(scale, "scale"), numpy_helper.from_array(np.zeros(WIDTH, np.float32), "shift")]
    small = numpy_helper.to_array(weight(rng, "wa", WIDTH, 16)).copy()
    small[[3, 11]] /= 200
    tensors += [numpy_helper.from_array(small, "wa"), numpy_helper.from_array(small[:, ::-1].copy(), "wb")]
    tensors.append(weight(rng, "head", 16, 4))
    first = (
        helper.make_node("LayerNormalization", ["x", "scale", "shift"], ["n"], axis=-1)
        if norm
        else helper.make_node("Mul", ["x", "scale"], ["n"])
    )
    nodes = [
        first,
        helper.make_node("MatMul", ["n", "wa"], ["a"]),
        helper.make_node("MatMul", ["n", "wb"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["ab"]),
        helper.make_node("Tanh", ["ab"], ["t"]),
        helper.make_node("MatMul", ["t", "head"], ["y"]),
    ]
    used = {name for node in nodes for name in node.input}
    return model_of(nodes, [floats("x", "n", WIDTH)], [floats("y", "n", 4)], [t for t in tensors if t.name in used])


def made(small, folder: Path, *techniques: str) -> Path:
    folder.mkdir()
    heavy = {"int8_static": {"layers": "heavy"}}  # else the large values are rounded before they are evened out
    steps = tuple(RecipeStep(technique=technique, params=heavy.get(technique, {})) for technique in techniques)
    params = ApplyParams(model_dir=str(small.folder), steps=steps, data_dir=str(small.data))
    run(params, RecordingContext(folder, data_dir=small.data))
    return folder / "model"


def outputs_of(folder: Path, small) -> np.ndarray:
    return np.concatenate([outputs["y"] for outputs in predictions(folder, "onnxruntime-cpu", *small.items(16))])


@pytest.mark.parametrize("norm", [True, False])
def test_smoothing_keeps_predictions_and_int8_after_it_loses_less(norm: bool, make_small, tmp_path: Path) -> None:
    """Given two large channels, Then smoothing changes no prediction, and INT8 after it errs far less than without it.

    A normalization takes the factors; elsewhere a multiplication is put in.
    """
    small = make_small("constants", build(norm))
    expected = outputs_of(small.folder, small)
    smooth = made(small, tmp_path / "smooth", "smooth_quant")
    np.testing.assert_allclose(outputs_of(smooth, small), expected, atol=1e-4)
    before, after = (
        onnx_files.count(onnx_files.load(path), "Mul") for path in (small.model.main, smooth / "model.onnx")
    )
    assert after - before == (1 if norm else 2)
    errors = {
        steps: float(np.mean((outputs_of(made(small, tmp_path / "-".join(steps), *steps), small) - expected) ** 2))
        for after in ("int8_static", "int8_dynamic")
        for steps in ((after,), ("smooth_quant", after))
    }
    assert errors[("smooth_quant", "int8_static")] < 0.2 * errors[("int8_static",)]
    assert errors[("smooth_quant", "int8_dynamic")] < 0.2 * errors[("int8_dynamic",)]


def test_model_of_convolutions_is_refused(make_small, apply) -> None:
    proto = onnx_files.load(make_small("cnn").model.main)
    del proto.graph.node[-1]
    proto.graph.output[0].name = "f"
    with pytest.raises(InputRefused, match="nothing to smooth"):
        apply(smooth_quant.SPEC, make_small("cnn", proto))
