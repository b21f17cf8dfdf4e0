"""16 bits and values that they cannot hold: such operators keep 32 bits, or the technique is refused."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from recording import RecordingContext
from small_models import KINDS, RNG, floats, model_of, nodes_of, predictions, weight

from workers.contracts.errors import InputRefused
from workers.contracts.techniques import Model
from workers.convert.graphs import onnx_files
from workers.convert.inference import finite
from workers.convert.precision_by_operator import TITLE as BY_OPERATOR
from workers.quantize import bf16, fp16


def build_large(size: float = 2000.0) -> onnx.ModelProto:
    """A perceptron that normalizes by the root of the mean square: inner values of `size`, squares of size²."""
    rng = RNG(21)
    weights = [weight(rng, "w1", 20, 64), weight(rng, "w2", 64, 64), weight(rng, "w3", 64, 4)]
    weights += [numpy_helper.from_array(np.float32(size), "size")]
    nodes = nodes_of("""
        a = MatMul (x, w1); b = MatMul (a, w2); h = Mul (b, size); squares = Mul (h, h)
        mean = ReduceMean <axes = [-1], keepdims = 1> (squares); root = Sqrt (mean); normal = Div (h, root)
        y = MatMul (normal, w3)
    """)
    return model_of(nodes, [floats("x", "n", 20)], [floats("y", "n", 4)], weights)


def run_in_16_bits(path: Path, feeds) -> np.ndarray:
    """ONNX's reference computes each operator with the types that the file has (engines often take more bits)."""
    with np.errstate(all="ignore"):
        return np.asarray(ReferenceEvaluator(str(path)).run(None, feeds)[0])


@pytest.fixture
def large(make_small):
    return make_small("constants", build_large())


def test_operators_that_would_overflow_keep_32_bits(large, apply) -> None:
    """Given examples, Then the squares and what reads them keep 32 bits, the products do not, and a note counts them."""
    version = apply(fp16.SPEC, large)
    proto = onnx_files.load(version.main)
    half = {tensor.name for tensor in proto.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT16}
    assert half == {"w1", "w2", "w3", "size"}
    assert "3 of" in version.artifact.notes[0] and "65504" in version.artifact.notes[0]
    items = list(large.items())
    for feeds, expected in zip(items, predictions(large.folder, "onnxruntime-cpu", *items), strict=True):
        np.testing.assert_allclose(run_in_16_bits(version.main, feeds), expected["y"], atol=0.02)


def test_model_whose_values_are_all_too_large_is_refused(make_small, apply) -> None:
    """Given inputs whose every product is beyond 65504, Then nothing would become smaller, and it is refused."""
    proto = build_large()
    for tensor in proto.graph.initializer:
        if tensor.name != "size":
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * 1e6, tensor.name))
    with pytest.raises(InputRefused, match="too large for 16 bits") as caught:
        apply(fp16.SPEC, make_small("constants", proto))
    assert "65504" in caught.value.detail and "BF16" in caught.value.hint


def test_weights_too_large_without_examples_keep_32_bits(make_small, apply) -> None:
    """Given a bias of 10⁶ and no examples, Then its layer keeps 32 bits, and a note says that there were none."""
    model = KINDS["cnn"].build()
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == "b3")
    bias.CopyFrom(numpy_helper.from_array(np.array([1e6, 0, 0, -1e6, 0], np.float32), "b3"))
    small = make_small("cnn", model)
    version = apply(fp16.SPEC, small, with_data=False)
    assert "1 of" in version.artifact.notes[0] and "no examples" in version.artifact.notes[1]
    (expected,) = predictions(small.folder, "onnxruntime-cpu", small.feeds())
    np.testing.assert_allclose(run_in_16_bits(version.main, small.feeds()), expected["logits"], rtol=0.01, atol=0.02)


def test_mask_is_no_overflow(make_small, apply) -> None:
    """Given a mask of the most negative number there is, Then no operator keeps 32 bits for it: cut, it is still a mask."""
    model = make_small("texts").model
    proto = onnx_files.load(model.main)
    far = next(tensor for tensor in proto.graph.initializer if tensor.name == "far")
    assert numpy_helper.to_array(far) == 1e4
    far.CopyFrom(numpy_helper.from_array(np.array(3.4e38, np.float32), "far"))
    swapped = next(node for node in proto.graph.node if node.op_type == "Sub")
    swapped.input[:] = list(reversed(swapped.input))  # 1 - mask, times a very negative number
    far.CopyFrom(numpy_helper.from_array(np.array(-3.4e38, np.float32), "far"))
    assert apply(fp16.SPEC, make_small("texts", proto)).artifact.notes == ()


@pytest.mark.parametrize("title", [bf16.TITLE, BY_OPERATOR])
def test_predictions_that_become_infinite_are_refused(title: str, make_small, tmp_path: Path) -> None:
    """Given a changed model that divides by zero, Then the error has both counts, unless the original does so too."""
    small = make_small("constants")
    proto = onnx_files.load(small.model.main)
    proto.graph.node[-1].output[0] = "before"
    proto.graph.initializer.append(numpy_helper.from_array(np.zeros(4, np.float32), "zeros"))
    proto.graph.node.append(helper.make_node("Div", ["before", "zeros"], ["y"]))
    onnx_files.save(proto, tmp_path / "model.onnx")
    broken = Model(tmp_path, small.model.artifact)
    ctx = RecordingContext(tmp_path, data_dir=small.data)
    with pytest.raises(InputRefused, match="4 of 4 examples") as caught:
        finite.need_finite(small.model, broken, "openvino", title, ctx)
    assert caught.value.title.startswith(title)
    both = Model(tmp_path, small.model.artifact)
    (tmp_path / "pipeline.json").write_bytes((small.folder / "pipeline.json").read_bytes())
    finite.need_finite(both, broken, "openvino", title, ctx)
