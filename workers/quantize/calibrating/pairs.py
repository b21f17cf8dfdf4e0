"""Insert QuantizeLinear and DequantizeLinear pairs before products and convolutions, in the form TensorRT reads.

Ranges are symmetric, with one scale for each inner value and one for each output channel of a weight. Biases keep their
numbers. Source: TensorRT documentation, “Working with Quantized Types”, “Explicit Quantization”; ONNX, operators
QuantizeLinear and DequantizeLinear (operator set 19 for FP8).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.convert.graphs import onnx_files
from workers.quantize.qdq import HEAVY
from workers.quantize.weights.stored_weights import TINY, channels, floats, scales_of


@dataclass(frozen=True)
class Kind:
    """One number format; `most` is its largest number, to which the largest observed value is mapped."""

    name: str
    most: float
    opset: int


INT8 = Kind("int8", 127, 13)
FP8 = Kind("fp8", 448, 19)
"""FP8 E4M3: FP8 Formats for Deep Learning, arXiv 2209.05433, table 1."""


def insert(proto: Any, ranges: Mapping[str, tuple[float, float]], kind: Kind) -> int:
    """Insert pairs into the graph, in place, and return the number of quantized layers.

    `ranges` holds (smallest, largest) by the name of the inner value. A layer without a range for its input stays
    unchanged.
    """
    graph = proto.graph
    weights = floats(graph)
    done: dict[str, str] = {}
    nodes: list[Any] = []
    count = 0
    for node in graph.node:
        name = node.input[1] if node.op_type in HEAVY and len(node.input) > 1 else ""
        if name in weights and _has_form(node, weights[name]) and node.input[0] in ranges:
            nodes += _value(graph, node.input[0], ranges[node.input[0]], kind, done)
            nodes += _weight(graph, weights[name], channels(node, len(weights[name].dims)), kind, done)
            node.input[0] = done[node.input[0]]
            node.input[1] = done[name]
            count += 1
        nodes.append(node)
    onnx_files.set_nodes(graph, nodes)
    return count


def _has_form(node: Any, weight: Any) -> bool:
    grouped = any(attribute.name == "group" and attribute.i > 1 for attribute in node.attribute)
    if node.op_type == "ConvTranspose" and grouped:  # its output channels lie along two axes
        return False
    return len(weight.dims) > 1


def _value(graph: Any, name: str, seen: tuple[float, float], kind: Kind, done: dict[str, str]) -> list[Any]:
    """Return the nodes that quantize an inner value, created once for all its readers."""
    from onnx import helper, numpy_helper

    if name in done:
        return []
    scale, zero, steps, back = (f"{name}_{kind.name}_{part}" for part in ("scale", "zero", "steps", "back"))
    largest = max(abs(seen[0]), abs(seen[1]), TINY)
    graph.initializer.append(numpy_helper.from_array(np.float32(largest / kind.most), scale))
    graph.initializer.append(tensor(np.zeros((), np.float32), kind, zero))
    done[name] = back
    return [
        helper.make_node("QuantizeLinear", [name, scale, zero], [steps], name=f"{name}_quantize"),
        helper.make_node("DequantizeLinear", [steps, scale, zero], [back], name=f"{name}_dequantize"),
    ]


def _weight(graph: Any, weight: Any, axis: int, kind: Kind, done: dict[str, str]) -> list[Any]:
    """Store the weight in the number format and return the node that dequantizes it."""
    from onnx import helper, numpy_helper

    if weight.name in done:
        return []
    scale, zero, steps, back = (f"{weight.name}_{kind.name}_{part}" for part in ("scale", "zero", "steps", "back"))
    values = np.asarray(numpy_helper.to_array(weight), np.float32)
    scales = scales_of(values, axis, kind.most)
    graph.initializer.append(tensor(values / scales, kind, steps))
    graph.initializer.append(numpy_helper.from_array(scales.reshape(-1), scale))
    graph.initializer.append(tensor(np.zeros(scales.size, np.float32), kind, zero))
    done[weight.name] = back
    return [
        helper.make_node("DequantizeLinear", [steps, scale, zero], [back], axis=axis, name=f"{weight.name}_dequantize")
    ]


def tensor(values: NDArray[np.float32], kind: Kind, name: str) -> Any:
    """Return scaled values, rounded to this number format (to nearest, ties to even), as an initializer."""
    from onnx import TensorProto, helper, numpy_helper

    clipped = np.clip(values, -kind.most, kind.most)
    if kind == INT8:
        return numpy_helper.from_array(np.rint(clipped).astype(np.int8), name)
    import ml_dtypes

    rounded = clipped.astype(ml_dtypes.float8_e4m3fn).view(np.uint8)
    return helper.make_tensor(name, TensorProto.FLOAT8E4M3FN, values.shape, rounded.tobytes(), raw=True)
