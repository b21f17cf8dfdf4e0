"""Weights alone in 8 or 4 bits: smaller, nearly the same predictions, and a note about time."""

import logging

import numpy as np
import pytest
from onnx import TensorProto, helper
from small_models import predictions

from workers.contracts.errors import InputRefused
from workers.convert.graphs import onnx_files
from workers.quantize import weights_only
from workers.quantize.weights import stored_weights

ERROR = {8: 0.03, 4: 0.3}
"""Of the largest output; measured with four inputs each."""


@pytest.mark.parametrize(
    ("bits", "form", "symmetric"),
    [
        (8, "products", True), (8, "products", False), (8, "dequantize", True), (4, "products", True),
        (4, "dequantize", True), (4, "dequantize", False),
    ],
)  # fmt: skip
def test_each_form_is_smaller_and_predicts_alike(bits, form: str, symmetric: bool, make_small, apply) -> None:
    """Given a small transformer, Then both engines predict alike, and the note has sizes and where time is saved."""
    small = make_small("transformer")
    version = apply(weights_only.SPEC, small, bits=bits, form=form, symmetric=symmetric)
    before, after = (onnx_files.weight_bytes(onnx_files.load(path)) for path in (small.model.main, version.main))
    assert after < 0.55 * before
    assert version.artifact.precision == f"int{bits} weights"
    (note, *_) = version.artifact.notes
    assert f"4 layers in {bits} bits and 1 tables in 8" in note and "time only " in note
    assert max(small.error_of(version, runtime) for runtime in ("onnxruntime-cpu", "openvino")) < ERROR[bits]


def test_convolutions_are_stored_with_dequantize(make_small, apply) -> None:
    """Given convolutions, Then packed products are refused, and the other form stores them."""
    small = make_small("cnn")
    with pytest.raises(InputRefused, match="no large matrix products"):
        apply(weights_only.SPEC, small)
    version = apply(weights_only.SPEC, small, form="dequantize")
    assert onnx_files.count(onnx_files.load(version.main), "DequantizeLinear") == 1
    assert version.artifact.notes[0].startswith("Weights of 1 layer in 8 bits")
    assert small.error_of(version) < 0.02


@pytest.mark.parametrize("transposed", [0, 1])
def test_gemm_becomes_a_product_and_a_sum(transposed: int, make_small) -> None:
    """Given a Gemm over a large matrix, transposed or not, Then the product and the sum have the same results."""
    proto = onnx_files.load(make_small("cnn").model.main)
    rng = np.random.default_rng(3)
    wide, bias = rng.normal(size=(32, 40)).astype(np.float32), rng.normal(size=40).astype(np.float32)
    head = proto.graph.node[-1]
    head.attribute.append(helper.make_attribute("transB", transposed))
    for tensor in proto.graph.initializer:
        if tensor.name in ("w3", "b3"):
            values = bias if tensor.name == "b3" else (wide.T if transposed else wide)
            tensor.CopyFrom(helper.make_tensor(tensor.name, TensorProto.FLOAT, values.shape, values.ravel()))
    proto.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 40
    small = make_small("cnn", proto)
    stored_weights.plain_products(proto)
    onnx_files.save(proto, small.folder / "plain.onnx")
    assert not onnx_files.count(proto, "Gemm")
    (expected,) = predictions(small.folder, "onnxruntime-cpu", small.feeds())
    session = onnx_files.start(small.folder / "plain.onnx")
    np.testing.assert_allclose(session.run(None, small.feeds())[0], expected["logits"], rtol=1e-4, atol=1e-5)


def test_table_that_a_product_reads_too_is_left(make_small) -> None:
    """Given word vectors that are also multiplied with, Then they stay: else they would be stored twice."""
    proto = onnx_files.load(make_small("transformer").model.main)
    proto.graph.node.append(helper.make_node("MatMul", ["table", "wq"], ["unused"]))
    assert stored_weights.shrink_tables(proto) == 0
    del proto.graph.node[-1]
    assert stored_weights.shrink_tables(proto) == 1


def test_library_prints_and_logs_nothing(make_small, apply, capfd) -> None:
    """Given the quantizer's module, which sets the whole program's log up, Then handlers and output are as before."""
    handlers = list(logging.getLogger().handlers)
    apply(weights_only.SPEC, make_small("transformer"))
    assert logging.getLogger().handlers == handlers
    assert capfd.readouterr() == ("", "")
