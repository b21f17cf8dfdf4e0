"""Test which QuantizeLinear/DequantizeLinear pairs are removed from a graph."""

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from workers.quantize.learning.layers import QuantizedGraph, float_outputs, float_sums

TEXT = """
<ir_version: 8, opset_import: ["" : 17]>
sums (float[1, 4] x) => (float[1, 4] y) <float scale = {0.5}, uint8 zero = {0}> {
    one = Relu (x)
    one_q = QuantizeLinear (one, scale, zero)
    one_d = DequantizeLinear (one_q, scale, zero)
    two = Neg (x)
    two_q = QuantizeLinear (two, scale, zero)
    two_d = DequantizeLinear (two_q, scale, zero)
    sum = Add (one_d, two_d)
    sum_q = QuantizeLinear (sum, scale, zero)
    y = DequantizeLinear (sum_q, scale, zero)
}
"""


@pytest.fixture
def proto() -> onnx.ModelProto:
    return onnx.parser.parse_model(TEXT)


def test_float_outputs_keeps_the_name_of_the_output(proto: onnx.ModelProto) -> None:
    """Given an output that is rounded, Then its pair is gone and the sum gives the output itself."""
    float_outputs(proto)
    assert list(proto.graph.node[-1].output) == ["y"] and proto.graph.node[-1].op_type == "Add"
    onnx.checker.check_model(proto, full_check=True)


def test_float_sums_keeps_pairs_that_stand_for_an_activation(proto: onnx.ModelProto) -> None:
    """Given two inputs of a sum, of which one pair cuts off negative values, Then only the other pair goes."""
    float_sums(proto, {"one"})
    add = next(node for node in proto.graph.node if node.op_type == "Add")
    assert list(add.input) == ["one_d", "two"]
    assert sum(node.op_type == "QuantizeLinear" for node in proto.graph.node) == 2


def test_put_keeps_the_shape_of_a_scalar(proto: onnx.ModelProto) -> None:
    """Given a scale without axes, When it is replaced, Then it still has none."""
    graph = QuantizedGraph(proto)
    graph.put("scale", np.float32(0.25) * graph.array("scale"))
    assert numpy_helper.to_array(proto.graph.initializer[0]).shape == ()
