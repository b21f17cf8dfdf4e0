"""Small real models whose inputs are odd: states whose second axis is the batch, fixed batches, sizes left unsaid."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from small_models import nodes_of

WIDTH, HIDDEN, CLASSES = 16, 24, 5
VOCABULARY, PLACES = 60, 32
Shape = Sequence[int | str | None]


def weights(name: str, *shape: int, seed: int = 1) -> onnx.TensorProto:
    values = np.random.default_rng(seed).normal(0, shape[0] ** -0.5, shape).astype(np.float32)
    return numpy_helper.from_array(values, name)


def save(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], tensors: list[Any], **meta: str) -> Path:
    graph = helper.make_graph(nodes, "odd", inputs, outputs, tensors)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for key, value in meta.items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = key, value
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save_model(proto, str(path))
    return path


def floats(name: str, shape: Shape | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def lstm(
    path: Path,
    x: Shape,
    state: Shape,
    *,
    batch_first: bool,
    states: tuple[str, str, str, str] = ("h0", "c0", "hn", "cn"),
) -> Path:
    """An LSTM as PyTorch exports it with its states as inputs and outputs, and a head of five classes."""
    hidden, cell, hidden_out, cell_out = states
    tensors = [
        weights("w", 1, 4 * HIDDEN, WIDTH),
        weights("r", 1, 4 * HIDDEN, HIDDEN, seed=2),
        weights("head", HIDDEN, CLASSES, seed=3),
        numpy_helper.from_array(np.array([0]), "first"),
    ]
    turn = [helper.make_node("Transpose", ["x"], ["xt"], perm=[1, 0, 2])] if batch_first else []
    nodes = [
        *turn,
        helper.make_node(
            "LSTM", ["xt" if batch_first else "x", "w", "r", "", "", hidden, cell], ["y", hidden_out, cell_out],
            hidden_size=HIDDEN,
        ),
        helper.make_node("Squeeze", [hidden_out, "first"], ["last"]),
        helper.make_node("MatMul", ["last", "head"], ["logits"]),
    ]  # fmt: skip
    outputs = [floats("logits", [state[1], CLASSES]), floats(hidden_out, state), floats(cell_out, state)]
    return save(path, nodes, [floats("x", x), floats(hidden, state), floats(cell, state)], outputs, tensors)


def perceptron(path: Path, x: Shape | None, width: int = WIDTH, hidden: int = 256) -> Path:
    """Two products; `x` None leaves the shapes of input and output unsaid."""
    nodes = nodes_of("a = MatMul (x, w1); b = Relu (a); y = MatMul (b, w2)")
    out = None if x is None else [x[0], CLASSES]
    tensors = [weights("w1", width, hidden), weights("w2", hidden, CLASSES, seed=2)]
    return save(path, nodes, [floats("x", x)], [floats("y", out)], tensors)


def reader(path: Path, dtype: int = TensorProto.INT64, extra: str = "", hidden: int = 32) -> Path:
    """A text model that looks words, types and places up in tables, and divides by how many tokens count: with a mask of
    zeros it gives NaN, with places or types beyond their tables it stops."""
    tensors = [
        weights("words", VOCABULARY, hidden),
        weights("types", 2, hidden, seed=2),
        weights("places", PLACES, hidden, seed=3),
        weights("head", hidden, 3, seed=4),
        numpy_helper.from_array(np.array([-1]), "last"),
        numpy_helper.from_array(np.array([1]), "second"),
    ]
    nodes = nodes_of(f"""
        e1 = Gather (words, input_ids); e2 = Gather (types, token_type_ids); e3 = Gather (places, position_ids)
        e = Sum (e1, e2, e3); m = Cast <to = {TensorProto.FLOAT}> (attention_mask); m3 = Unsqueeze (m, last)
        em = Mul (e, m3); total = ReduceSum <keepdims = 0> (em, second); count = ReduceSum <keepdims = 1> (m, second)
        mean = Div (total, count); logits = MatMul (mean, head)
    """)
    names = ("input_ids", "attention_mask", "token_type_ids", "position_ids")
    inputs = [helper.make_tensor_value_info(name, dtype, ["batch", "tokens"]) for name in names]
    return save(path, nodes, inputs, [floats("logits", ["batch", 3])], tensors)
