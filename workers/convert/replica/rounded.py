"""Rebuild quantized graphs in torch with gradients through rounding.

Rounding is exact in the forward pass and the identity in the backward pass (the straight-through estimator: Bengio and
others 2013, arXiv 1308.3432; on attacks: Athalye and others 2018, arXiv 1802.00420). Beyond the range of 8 bits the
gradient is 0, because nothing changes there.
"""

from typing import Any

import numpy as np

from workers.convert.graphs import onnx_files
from workers.convert.replica.operators import Operator, padding

ROUNDING = ("QuantizeLinear", "DynamicQuantizeLinear")


def unrounded(proto: Any) -> bool:
    """Change a graph in place so that it can be rebuilt in torch.

    Stored weights become the 32-bit numbers that they represent; 16-bit floats become 32-bit floats.

    Returns:
        Whether the graph rounds any inner values.
    """
    onnx_files.lift_constants(proto)
    _widen(proto)
    _fold(proto)
    _split(proto)
    return any(node.op_type in ROUNDING for node in proto.graph.node)


def operators() -> dict[str, Operator]:
    """Return the operators of quantized graphs; 8-bit numbers are floats with integer values."""
    return {
        "QuantizeLinear": _quantize,
        "DequantizeLinear": lambda a, x, scale, zero=None: (
            (x.float() - (0 if zero is None else _along(zero.float(), x, a))) * _along(scale, x, a)
        ),
        "DynamicQuantizeLinear": lambda a, x: _dynamic(x)[a["part"]],
        "MatMulInteger": lambda a, x, y, zx=None, zy=None: _centered(x, zx) @ _centered(y, zy),
        "ConvInteger": _conv_integer,
    }


def _widen(proto: Any) -> None:
    from onnx import TensorProto, numpy_helper

    for tensor in proto.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT16:
            values = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    for node in proto.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT16:
                attribute.i = TensorProto.FLOAT


def _fold(proto: Any) -> None:
    """Replace weights that are stored in 8 bits (or quantized in the graph) by their float values."""
    from onnx import helper, numpy_helper

    known = {tensor.name: tensor for tensor in proto.graph.initializer}
    kept = []
    for node in proto.graph.node:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear") or not all(n in known for n in node.input if n):
            kept.append(node)
            continue
        values, scale, *rest = [numpy_helper.to_array(known[name]) for name in node.input if name]
        axis = next((helper.get_attribute_value(a) for a in node.attribute if a.name == "axis"), 1)
        shape = (
            [-1 if place == axis % max(values.ndim, 1) else 1 for place in range(values.ndim)] if scale.size > 1 else []
        )
        zero = (
            rest[0] if rest else np.zeros(scale.shape, np.uint8 if node.op_type == "QuantizeLinear" else values.dtype)
        )
        size, start = scale.reshape(shape), zero.reshape(shape).astype(np.float32)
        if node.op_type == "DequantizeLinear":
            made = (values.astype(np.float32) - start) * size
        else:
            limits = np.iinfo(zero.dtype)
            made = np.clip(np.round(values / size) + start, limits.min, limits.max).astype(zero.dtype)
        known[node.output[0]] = numpy_helper.from_array(np.ascontiguousarray(made), node.output[0])
        proto.graph.initializer.append(known[node.output[0]])
    onnx_files.set_nodes(proto.graph, kept)


def _split(proto: Any) -> None:
    """Split a node with three results into three nodes with one result."""
    from onnx import helper

    nodes = []
    for node in proto.graph.node:
        if node.op_type == "DynamicQuantizeLinear":
            nodes += [helper.make_node(node.op_type, node.input, [name], part=i) for i, name in enumerate(node.output)]
        else:
            nodes.append(node)
    onnx_files.set_nodes(proto.graph, nodes)


def _rounded(x: Any) -> Any:
    return x + (x.round() - x).detach()


def _along(values: Any, x: Any, a: Any) -> Any:
    """Return one value for each channel, placed along the channels' axis."""
    if values.numel() <= 1:
        return values.reshape(())
    return values.reshape([-1 if place == a.get("axis", 1) % x.ndim else 1 for place in range(x.ndim)])


def _quantize(a: Any, x: Any, scale: Any, zero: Any = None) -> Any:
    import torch

    zero = torch.zeros((), dtype=torch.uint8) if zero is None else zero
    limits = torch.iinfo(zero.dtype)
    return _rounded(torch.clamp(x / _along(scale, x, a) + _along(zero.float(), x, a), limits.min, limits.max))


def _dynamic(x: Any) -> tuple[Any, Any, Any]:
    """Quantize dynamically as ONNX defines it: the range of the request, including 0, in unsigned 8 bits."""
    import torch

    low, high = torch.clamp(x.min(), max=0), torch.clamp(x.max(), min=0)
    scale = torch.clamp((high - low) / 255, min=1e-12)
    zero = torch.clamp((-low / scale).round(), 0, 255).detach()
    return _rounded(torch.clamp(x / scale + zero, 0, 255)), scale, zero


def _centered(x: Any, zero: Any) -> Any:
    return x.float() if zero is None else x.float() - zero.float()


def _conv_integer(a: Any, x: Any, weight: Any, zero_x: Any = None, zero_weight: Any = None) -> Any:
    from torch.nn import functional

    x, weight = _centered(x, zero_x), _centered(weight, zero_weight)
    conv = (functional.conv1d, functional.conv2d, functional.conv3d)[x.ndim - 3]
    x = functional.pad(x, padding(a, x, tuple(weight.shape[2:])))
    ones = [1] * (x.ndim - 2)
    return conv(x, weight, None, a.get("strides", ones), 0, a.get("dilations", ones), a.get("group", 1))
