"""Pieces that the ONNX cases are put together from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from hostile_corpus.base import Corpus, Expected
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT
SHAPE = (1, 4)


def model(
    nodes: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    weights: Sequence[Any] = (),
    *,
    opset: int = 17,
    ir: int = 8,
    domains: Sequence[tuple[str, int]] = (),
    functions: Sequence[Any] = (),
    **more: Any,
) -> onnx.ModelProto:
    """A whole model; `domains` stand for the usual one where given."""
    graph = helper.make_graph(list(nodes), "g", list(inputs), list(outputs), list(weights))
    opsets = [helper.make_opsetid(name, version) for name, version in domains or (("", opset),)]
    return helper.make_model(
        graph, opset_imports=opsets, ir_version=ir, functions=list(functions), producer_name="hostile", **more
    )


def value(name: str, shape: Sequence[Any] | None = SHAPE, kind: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def x(shape: Sequence[Any] | None = SHAPE, kind: int = FLOAT) -> Any:
    return value("x", shape, kind)


def y(shape: Sequence[Any] | None = SHAPE, kind: int = FLOAT) -> Any:
    return value("y", shape, kind)


def weight(array: Any, name: str = "w") -> TensorProto:
    return numpy_helper.from_array(np.asarray(array), name)


def eye() -> TensorProto:
    return weight(np.eye(4, dtype=np.float32))


def node(op: str, inputs: Sequence[str] = ("x",), outputs: Sequence[str] = ("y",), **attributes: Any) -> Any:
    return helper.make_node(op, list(inputs), list(outputs), **attributes)


def tiny(weights: Any = None, **more: Any) -> onnx.ModelProto:
    """A sound model: one matrix."""
    tensor = eye() if weights is None else weight(weights)
    return model([node("MatMul", ["x", "w"])], [x()], [y()], [tensor], **more)


def sound() -> bytes:
    return tiny().SerializeToString()


def identity(shape: Sequence[Any], kind: int = FLOAT, **more: Any) -> onnx.ModelProto:
    return model([node("Identity")], [x(shape, kind)], [y(shape, kind)], **more)


def raw_tensor(dims: Sequence[int], raw: bytes, kind: int = FLOAT, name: str = "w") -> TensorProto:
    """A tensor whose parts need not fit together."""
    tensor = TensorProto(name=name, data_type=kind)
    tensor.dims.extend(dims)
    tensor.raw_data = raw
    return tensor


def times(tensor: TensorProto) -> onnx.ModelProto:
    """A model that multiplies by `tensor`."""
    return model([node("MatMul", ["x", "w"])], [x()], [y()], [tensor])


def keep(
    corpus: Corpus, name: str, proto: onnx.ModelProto, kind: str, expected: Expected, group: str = "onnx", **more: Any
) -> None:
    """Write a model, whatever is wrong with it."""
    corpus.put(name, proto.SerializeToString(), kind, group, expected, **more)


def field_bytes(number: int, content: bytes) -> bytes:
    """One length-delimited protobuf field, written by hand: nesting may pass the library's own limit."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    out = b""
    while True:
        out += bytes([number & 127 | (128 if number > 127 else 0)])
        number >>= 7
        if not number:
            return out
