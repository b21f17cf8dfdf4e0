"""Rewrite a language model's graph in memory when it is opened; the file stays unchanged.

Both rewrites keep every number: one changes how attention is written, the other which places get logits.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

WANTED = "wanted_places"
"""Name of the added input: indices (int64) of the tokens for which logits are computed."""

PASSED = {"Add", "Convert", "Divide", "Multiply", "Tanh"}
"""Operators allowed between the vocabulary projection and the logits: scales, caps, a bias."""


def share_heads(model: Any) -> int:
    """Rewrite heads that share keys and values into the form that OpenVINO recognizes; return the number of rewrites.

    The exporter repeats keys and values by a Broadcast whose sizes are computed from other tensors. Then OpenVINO
    (2026.4, `stateful_sdpa_fusion`: "bidirectional" alone) splits attention into parts and copies the cache for each
    token.
    """
    ops = importlib.import_module("openvino").opset13
    count = 0
    for node in model.get_ordered_ops():
        if node.get_type_name() != "ScaledDotProductAttention":
            continue
        heads = node.input_value(0).get_partial_shape()[1]
        for port in (1, 2):
            own = _repeated(node.input_value(port).get_node())
            if own is None or not heads.is_static:
                continue
            shape = own.get_partial_shape()
            kept, width, all_heads = shape[1].get_length(), shape[3].get_length(), heads.get_length()
            each = ops.constant(np.asarray([1, 1, all_heads // kept, 1, 1], np.int64))
            wide = ops.broadcast(ops.unsqueeze(own, ops.constant(np.int64(2))), each, broadcast_spec="BIDIRECTIONAL")
            sizes = ops.constant(np.asarray([0, all_heads, -1, width], np.int64))
            node.input(port).replace_source_output(ops.reshape(wide, sizes, special_zero=True).output(0))
            count += 1
    return count


def _repeated(reshape: Any) -> Any:
    """Return the keys or values (n, own heads, tokens, width) that the Reshape repeats.

    Return None unless the pattern is a Reshape of a Broadcast of an Unsqueeze.
    """
    if reshape.get_type_name() != "Reshape":
        return None
    wide = reshape.input_value(0).get_node()
    if wide.get_type_name() != "Broadcast":
        return None
    apart = wide.input_value(0).get_node()
    if apart.get_type_name() != "Unsqueeze":
        return None
    own, five = apart.input_value(0), apart.output(0).get_partial_shape()
    shape = own.get_partial_shape()
    if shape.rank.get_length() != 4 or not (shape[1].is_static and shape[3].is_static):
        return None
    repeats = five[2].is_static and five[2].get_length() == 1 and five[1] == shape[1]
    return own if repeats else None


def add_places(model: Any) -> bool:
    """Add an input `WANTED` and compute logits only for its places; return False where the graph does not fit.

    A prompt needs logits only at its last place, and the vocabulary projection is a fifth of a small model.
    """
    ops = importlib.import_module("openvino").opset13
    node = model.output(0).get_node().input_value(0).get_node()
    while node.get_type_name() in PASSED:
        others = (node.input_value(port).get_node() for port in range(1, node.get_input_size()))
        if not all(map(_is_constant, others)):
            return False
        node = node.input_value(0).get_node()
    if node.get_type_name() != "MatMul" or node.get_attributes().get("transpose_a"):
        return False
    thought = node.input_value(0)
    if thought.get_partial_shape().rank.get_length() != 3:
        return False
    places = ops.parameter([-1], np.int64, name=WANTED)
    places.output(0).set_names({WANTED})
    node.input(0).replace_source_output(ops.gather(thought, places, ops.constant(np.int64(1))).output(0))
    model.add_parameters([places])
    model.validate_nodes_and_infer_types()
    return True


def is_cut_by_tokens(model: Any) -> bool:
    """Return whether each part of the cache grows along its third axis, so that its last tokens can be cut off."""
    ends = (node.input_value(0) for node in model.get_ordered_ops() if node.get_type_name() == "Assign")
    return all(
        end.get_node().get_type_name() == "Concat"
        and end.get_partial_shape().rank.get_length() == 4
        and end.get_node().get_attributes()["axis"] in (2, -2)
        for end in ends
    )


def _is_constant(node: Any) -> bool:
    """Return whether only constants feed this node, so that it is the same for each token."""
    parts = [node.input_value(port).get_node() for port in range(node.get_input_size())]
    return all(map(_is_constant, parts)) if parts else bool(node.get_type_name() == "Constant")
