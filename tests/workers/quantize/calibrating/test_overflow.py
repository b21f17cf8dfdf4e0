"""16 bits and values that they cannot hold: such operators keep 32 bits, or the technique says why it does not work."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from small_models import KINDS, RNG, floats, model_of, nodes_of, weight

from workers.contracts.errors import InputRefused
from workers.contracts.techniques import Model
from workers.convert.asking import finite
from workers.convert.graphs import onnx_files
from workers.convert.precision_by_operator import TITLE as BY_OPERATOR
from workers.measure.opening import open_session
from workers.quantize import bf16, fp16
from workers.runtime.recording import RecordingContext


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


def ask_in_16_bits(path: Path, feeds) -> np.ndarray:
    """ONNX's own reference computes each operator with the types that the file tells (engines often take more bits)."""
    with np.errstate(all="ignore"):
        return np.asarray(ReferenceEvaluator(str(path)).run(None, feeds)[0])


@pytest.fixture
def large(make_small):
    return make_small("constants", build_large())


def context(small, tmp_path: Path) -> RecordingContext:
    return RecordingContext(tmp_path, data_dir=small.data)


def test_operators_that_would_overflow_keep_32_bits(large, tmp_path: Path) -> None:
    """Given examples, then the squares and what reads them stay as they are, the products do not, and it is told."""
    artifact = fp16.apply(large.model, fp16.Params(), context(large, tmp_path))
    proto = onnx_files.load(tmp_path / "model" / "model.onnx")
    half = {tensor.name for tensor in proto.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT16}
    assert half == {"w1", "w2", "w3", "size"}
    assert "3 of" in artifact.notes[0] and "65504" in artifact.notes[0]
    for feeds in large.items():
        wanted = open_session(large.folder, "onnxruntime-cpu", {}, 1).run(feeds)["y"]
        got = ask_in_16_bits(tmp_path / "model" / "model.onnx", feeds)
        np.testing.assert_allclose(got, wanted, atol=0.02)


def test_where_all_values_are_too_large_it_is_refused(make_small, tmp_path: Path) -> None:
    """Given inputs whose every product is beyond 65504, then nothing would become smaller, and that is said."""
    proto = build_large()
    for tensor in proto.graph.initializer:
        if tensor.name != "size":
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * 1e6, tensor.name))
    small = make_small("constants", proto)
    with pytest.raises(InputRefused, match="too large for 16 bits") as caught:
        fp16.apply(small.model, fp16.Params(), context(small, tmp_path))
    assert "65504" in caught.value.detail and "BF16" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_weights_too_large_keep_32_bits_and_without_examples_it_is_told(make_small, tmp_path: Path) -> None:
    """Given a bias of 10⁶ and no examples, then the layer with it is kept, and that nothing else was seen is told."""
    model = KINDS["cnn"].build()
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == "b3")
    bias.CopyFrom(numpy_helper.from_array(np.array([1e6, 0, 0, -1e6, 0], np.float32), "b3"))
    small = make_small("cnn", model)
    artifact = fp16.apply(small.model, fp16.Params(), RecordingContext(tmp_path))
    assert "1 of" in artifact.notes[0] and "no examples" in artifact.notes[1]
    wanted = open_session(small.folder, "onnxruntime-cpu", {}, 1).run(small.feeds())["logits"]
    got = ask_in_16_bits(tmp_path / "model" / "model.onnx", small.feeds())
    np.testing.assert_allclose(got, wanted, rtol=0.01, atol=0.02)


def test_masks_are_no_overflow(make_small, tmp_path: Path) -> None:
    """Given a mask of the most negative number there is, then nothing is kept for it: cut, it is a mask all the same."""
    model = make_small("texts").model
    proto = onnx_files.load(model.main)
    far = next(tensor for tensor in proto.graph.initializer if tensor.name == "far")
    assert numpy_helper.to_array(far) == 1e4
    far.CopyFrom(numpy_helper.from_array(np.array(3.4e38, np.float32), "far"))
    swapped = next(node for node in proto.graph.node if node.op_type == "Sub")
    swapped.input[:] = list(reversed(swapped.input))  # 1 - mask, times a very negative number
    far.CopyFrom(numpy_helper.from_array(np.array(-3.4e38, np.float32), "far"))
    small = make_small("texts", proto)
    artifact = fp16.apply(small.model, fp16.Params(), context(small, tmp_path))
    assert artifact.notes == ()


@pytest.mark.parametrize("title", [bf16.TITLE, BY_OPERATOR])
def test_answers_that_become_infinite_are_refused(title: str, make_small, tmp_path: Path) -> None:
    """Given a changed model that divides by zero, then both counts are told; where the original does too, nothing is."""
    small = make_small("constants")
    proto = onnx_files.load(small.model.main)
    proto.graph.node[-1].output[0] = "before"
    proto.graph.initializer.append(numpy_helper.from_array(np.zeros(4, np.float32), "zeros"))
    proto.graph.node.append(helper.make_node("Div", ["before", "zeros"], ["y"]))
    onnx_files.save(proto, tmp_path / "model.onnx")
    broken = Model(tmp_path, small.model.artifact)
    ctx = context(small, tmp_path)
    with pytest.raises(InputRefused, match="4 of 4 examples") as caught:
        finite.need_finite(small.model, broken, "openvino", title, ctx)
    assert caught.value.title.startswith(title)
    both = Model(tmp_path, small.model.artifact)
    (tmp_path / "pipeline.json").write_bytes((small.folder / "pipeline.json").read_bytes())
    finite.need_finite(both, broken, "openvino", title, ctx)
