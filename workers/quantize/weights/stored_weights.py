"""Store weights in 8 bits with one scale per channel and dequantize them where they are read."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.convert.graphs import onnx_files
from workers.quantize.qdq import HEAVY

SMALL = 512
"""Smallest number of weights; below it, scales and an extra operator cost more than they save."""

LIMIT = 127
TINY = 1e-12
"""Smallest value for which a scale is made, so that zeros stay zeros."""


def shrink_layers(proto: Any) -> int:
    """Store the weights of products and convolutions as int8 before a DequantizeLinear (operator set 13).

    There is one scale for each output channel; weights become −127 to 127 steps around zero.

    Returns:
        The number of stored weights.
    """
    from onnx import helper, numpy_helper

    graph = proto.graph
    weights = floats(graph)
    done: dict[str, str] = {}
    nodes: list[Any] = []
    for node in graph.node:
        name = node.input[1] if node.op_type in HEAVY and len(node.input) > 1 else ""
        if name in weights and math.prod(weights[name].dims) >= SMALL and len(weights[name].dims) > 1:
            axis = channels(node, len(weights[name].dims))
            key = f"{name}_int8_{axis}"
            if key not in done:
                steps, scales = _round(numpy_helper.to_array(weights[name]), axis)
                graph.initializer.append(numpy_helper.from_array(steps, key))
                graph.initializer.append(numpy_helper.from_array(scales.reshape(-1), f"{key}_scales"))
                done[key] = f"{key}_back"
                nodes.append(helper.make_node("DequantizeLinear", [key, f"{key}_scales"], [done[key]], axis=axis))
            node.input[1] = done[key]
        nodes.append(node)
    onnx_files.set_nodes(graph, nodes)
    return len(done)


def shrink_tables(proto: Any) -> int:
    """Store embedding tables (Gather over rows) as int8 with one scale for each row; return their number."""
    from onnx import TensorProto, helper, numpy_helper

    graph = proto.graph
    readers = onnx_files.readers_of(graph)
    tables = {
        name
        for name, tensor in floats(graph).items()
        if len(tensor.dims) == 2 and math.prod(tensor.dims) >= SMALL and all(map(_looks_up, readers.get(name, [])))
    }
    for tensor in [t for t in graph.initializer if t.name in tables]:
        steps, scales = _round(numpy_helper.to_array(tensor), 0)
        graph.initializer.append(numpy_helper.from_array(steps, f"{tensor.name}_int8"))
        graph.initializer.append(numpy_helper.from_array(scales, f"{tensor.name}_scales"))
    nodes: list[Any] = []
    for node in graph.node:
        if node.op_type != "Gather" or node.input[0] not in tables:
            nodes.append(node)
            continue
        table, places = node.input
        result = node.output[0]
        nodes += [
            helper.make_node("Gather", [f"{table}_int8", places], [f"{result}_int8"], name=node.name),
            helper.make_node("Cast", [f"{result}_int8"], [f"{result}_steps"], to=TensorProto.FLOAT),
            helper.make_node("Gather", [f"{table}_scales", places], [f"{result}_scales"], name=f"{node.name}_scales"),
            helper.make_node("Mul", [f"{result}_steps", f"{result}_scales"], [result]),
        ]
    onnx_files.set_nodes(graph, nodes)
    return len(tables)


def plain_products(proto: Any) -> None:
    """Rewrite each Gemm with weights as MatMul and Add, which ONNX Runtime's weight-only quantizer reads."""
    from onnx import helper, numpy_helper

    graph = proto.graph
    weights = floats(graph)
    nodes: list[Any] = []
    for node in graph.node:
        options = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        scaled = options.get("alpha", 1.0) != 1 or options.get("beta", 1.0) != 1 or options.get("transA", 0)
        if node.op_type != "Gemm" or node.input[1] not in weights or scaled:
            nodes.append(node)
            continue
        name = node.input[1]
        if options.get("transB", 0):
            name = f"{name}_turned"
            if name not in weights:
                turned = np.ascontiguousarray(numpy_helper.to_array(weights[node.input[1]]).T)
                weights[name] = numpy_helper.from_array(turned, name)
                graph.initializer.append(weights[name])
        biased = len(node.input) > 2 and bool(node.input[2])
        product = f"{node.output[0]}_product" if biased else node.output[0]
        nodes.append(helper.make_node("MatMul", [node.input[0], name], [product], name=node.name))
        if biased:
            nodes.append(helper.make_node("Add", [product, node.input[2]], list(node.output), name=f"{node.name}_bias"))
    onnx_files.set_nodes(graph, nodes)


def small_products(proto: Any) -> list[str]:
    """Return the names of products whose weights are too small to quantize."""
    weights = floats(proto.graph)
    return [
        node.name
        for node in proto.graph.node
        if node.op_type == "MatMul" and node.input[1] in weights and math.prod(weights[node.input[1]].dims) < SMALL
    ]


def floats(graph: Any) -> dict[str, Any]:
    """Return the initializers with 32-bit floats, by name."""
    from onnx import TensorProto

    return {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT}


def _looks_up(node: Any) -> bool:
    return node.op_type == "Gather" and not onnx_files.is_set(node, "axis")


def channels(node: Any, axes: int) -> int:
    """Return the axis of a weight that counts output channels."""
    if node.op_type == "Gemm":
        return 0 if onnx_files.is_set(node, "transB") else 1
    return {"Conv": 0, "ConvTranspose": 1}.get(node.op_type, axes - 1)


def scales_of(values: NDArray[Any], axis: int | None, most: float) -> NDArray[np.float32]:
    """Return float32 scales that map the largest weight of each channel of `axis` (None: of all) to `most`.

    All axes are kept. A channel of zeros gets a scale above 0.
    """
    others = tuple(number for number in range(values.ndim) if number != axis) if axis is not None else None
    largest = np.abs(np.asarray(values, np.float32)).max(axis=others, keepdims=True)
    return np.asarray(np.maximum(largest, TINY) / most, np.float32)


def _round(values: NDArray[Any], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return the int8 steps and the float32 scales with all axes kept."""
    scales = scales_of(values, axis, LIMIT)
    return np.clip(np.round(values / scales), -LIMIT, LIMIT).astype(np.int8), scales
