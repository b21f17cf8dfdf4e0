"""Weights alone in 8 or 4 bits: smaller, answers alike, and honest about time."""

import logging
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from workers.contracts.errors import InputRefused
from workers.convert.graphs import onnx_files
from workers.measure.opening import open_session
from workers.quantize import weights_only
from workers.quantize.weights import stored_weights
from workers.runtime.recording import RecordingContext

ERROR = {8: 0.03, 4: 0.3}
"""Of the largest answer; measured with four inputs each."""


def answers(folder: Path, feeds, runtime: str = "onnxruntime-cpu"):
    session = open_session(folder, runtime, {}, 1)
    found = next(iter(session.run(feeds).values()))
    session.close()
    return found


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("form", ["products", "dequantize"])
@pytest.mark.parametrize("bits", [8, 4])
def test_each_form_is_smaller_and_answers_alike(bits, form: str, symmetric: bool, make_small, tmp_path: Path) -> None:
    """Given a small transformer, then both engines answer alike, and the note tells sizes and where time is saved."""
    small = make_small("transformer")
    params = weights_only.Params(bits=bits, form=form, symmetric=symmetric)
    artifact = weights_only.apply(small.model, params, RecordingContext(tmp_path))
    proto = onnx_files.load(tmp_path / "model" / "model.onnx")
    before = onnx_files.weight_bytes(onnx_files.load(small.model.main))
    assert onnx_files.weight_bytes(proto) < 0.55 * before
    assert artifact.precision == f"int{bits} weights"
    assert f"4 layers in {bits} bits and 1 tables in 8" in artifact.notes[0] and "time only " in artifact.notes[0]
    for feeds in small.items():
        wanted = answers(small.folder, feeds)
        for runtime in ("onnxruntime-cpu", "openvino"):
            got = answers(tmp_path / "model", feeds, runtime)
            np.testing.assert_allclose(got, wanted, atol=ERROR[bits] * max(1.0, np.abs(wanted).max()))


def test_convolutions_are_stored_before_they_are_read(make_small, tmp_path: Path) -> None:
    """Given convolutions, then packed products have nothing to do and say so; the other form stores them."""
    small = make_small("cnn")
    with pytest.raises(InputRefused, match="no large matrix products"):
        weights_only.apply(small.model, weights_only.Params(), RecordingContext(tmp_path))
    assert list(tmp_path.iterdir()) == []
    weights_only.apply(small.model, weights_only.Params(form="dequantize"), RecordingContext(tmp_path))
    assert onnx_files.count(onnx_files.load(tmp_path / "model" / "model.onnx"), "DequantizeLinear") == 1
    for feeds in small.items():
        wanted = answers(small.folder, feeds)
        np.testing.assert_allclose(answers(tmp_path / "model", feeds), wanted, atol=0.02 * np.abs(wanted).max())


@pytest.mark.parametrize("turned", [0, 1])
def test_a_layer_with_a_bias_in_one_is_packed_too(turned: int, make_small, tmp_path: Path) -> None:
    """Given a Gemm over a large table, either way round, then it becomes a product and a sum with the same answers."""
    proto = onnx_files.load(make_small("cnn").model.main)
    rng = np.random.default_rng(3)
    wide, bias = rng.normal(size=(32, 40)).astype(np.float32), rng.normal(size=40).astype(np.float32)
    head = proto.graph.node[-1]
    head.attribute.append(helper.make_attribute("transB", turned))
    for tensor in proto.graph.initializer:
        if tensor.name in ("w3", "b3"):
            values = bias if tensor.name == "b3" else (wide.T if turned else wide)
            tensor.CopyFrom(helper.make_tensor(tensor.name, TensorProto.FLOAT, values.shape, values.ravel()))
    proto.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 40
    small = make_small("cnn", proto)
    stored_weights.plain_products(proto)
    onnx_files.save(proto, small.folder / "plain.onnx")
    assert not onnx_files.count(proto, "Gemm")
    wanted = answers(small.folder, small.feeds())
    session = onnx_files.start(small.folder / "plain.onnx")
    np.testing.assert_allclose(session.run(None, small.feeds())[0], wanted, rtol=1e-4, atol=1e-5)


def test_a_table_that_a_product_reads_too_is_left(make_small) -> None:
    """Given word vectors that are also multiplied with, then they stay as they are: else they would be stored twice."""
    proto = onnx_files.load(make_small("transformer").model.main)
    proto.graph.node.append(helper.make_node("MatMul", ["table", "wq"], ["unused"]))
    assert stored_weights.shrink_tables(proto) == 0
    del proto.graph.node[-1]
    assert stored_weights.shrink_tables(proto) == 1


def test_the_library_says_nothing_on_its_own(make_small, tmp_path: Path, capfd) -> None:
    """Given the quantizer's module, which sets the whole program's log up, then handlers and output are as before."""
    handlers = list(logging.getLogger().handlers)
    weights_only.apply(make_small("transformer").model, weights_only.Params(), RecordingContext(tmp_path))
    assert logging.getLogger().handlers == handlers
    assert capfd.readouterr() == ("", "")
