"""Versions whose answers depend on what else is in a batch are known by their operators."""

from pathlib import Path

import onnx
import pytest
from foreign_models import dynamic_int8, static_int8
from onnx import TensorProto, helper

from workers.infer.batch_mates import depends_on_mates


def in_a_branch(path: Path) -> Path:
    """A range is taken in one of two branches."""
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("s1", "s2")]
    ranged = helper.make_node("DynamicQuantizeLinear", ["x"], ["q1", "s1", "z1"])
    plain = helper.make_node("ReduceMax", ["x"], ["s2"], keepdims=0)
    branches = [helper.make_graph([node], "b", [], [out]) for node, out in zip((ranged, plain), outputs, strict=True)]
    node = helper.make_node("If", ["c"], ["y"], then_branch=branches[0], else_branch=branches[1])
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4]),
        helper.make_tensor_value_info("c", TensorProto.BOOL, []),
    ]
    graph = helper.make_graph([node], "g", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])])
    onnx.save_model(helper.make_model(graph), str(path))
    return path


@pytest.mark.parametrize(("make", "depends"), [(dynamic_int8, True), (in_a_branch, True), (static_int8, False)])
def test_ranges_over_a_batch_are_seen(tmp_path: Path, make, depends: bool) -> None:
    """Given onnxruntime's dynamic quantizer, a branch that takes a range, and ranges that are fixed, Then only the
    first two depend on the batch; a folder without ONNX does not."""
    (tmp_path / "none").mkdir()
    assert not depends_on_mates(tmp_path / "none")
    make(tmp_path / "model.onnx")
    assert depends_on_mates(tmp_path) is depends
