"""Find the biases of layers in a quantized graph and change them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.convert.graphs import onnx_files
from workers.quantize.qdq import HEAVY

CHANNELS_SECOND = ("Conv", "ConvTranspose")


@dataclass(frozen=True)
class Biased:
    """One layer with a bias.

    `output` is the layer's own result (before the bias for a MatMul, whose bias an Add brings). `holder` is the node
    that reads the bias, `position` the number of that input. `integers` means that the bias is stored as 32-bit
    integers with scales. Channels are on `axis` of the output.
    """

    output: str
    axis: int
    holder: Any
    position: int
    integers: bool


def find(graph: Any) -> list[Biased]:
    """Return all layers with weights whose bias can be changed, in graph order."""
    values = {tensor.name: tensor for tensor in graph.initializer}
    dequantize = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    readers = onnx_files.readers_of(graph)
    biased = []
    for node in graph.node:
        if node.op_type not in HEAVY or not _has_weights(node, values, dequantize):
            continue
        axis = 1 if node.op_type in CHANNELS_SECOND else -1
        holder, position = _bias_of(node, readers)
        if holder is None or position >= len(holder.input):
            continue
        name = holder.input[position]
        if name in values and _is_float_vector(values[name]):
            biased.append(Biased(node.output[0], axis, holder, position, False))
        elif name in dequantize and dequantize[name].input[0] in values and len(readers[name]) == 1:
            biased.append(Biased(node.output[0], axis, holder, position, True))
    return biased


def _has_weights(node: Any, values: dict[str, Any], dequantize: dict[str, Any]) -> bool:
    name = node.input[1]
    return name in values or (name in dequantize and dequantize[name].input[0] in values)


def _bias_of(node: Any, readers: dict[str, list[Any]]) -> tuple[Any, int]:
    """Return the node that reads the bias and the number of that input; for a MatMul this is the Add behind it."""
    if node.op_type != "MatMul":
        return node, 2
    after = readers.get(node.output[0], [])
    if len(after) != 1 or after[0].op_type != "Add":
        return None, 0
    return after[0], 1 - list(after[0].input).index(node.output[0])


def _is_float_vector(tensor: Any) -> bool:
    from onnx import TensorProto

    return tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 1


def add(graph: Any, layer: Biased, change: NDArray[np.float32]) -> None:
    """Add `change`, one value per channel, to the layer's bias; other layers that share the bias keep theirs."""
    from onnx import numpy_helper

    values = {tensor.name: tensor for tensor in graph.initializer}
    name = layer.holder.input[layer.position]
    if not layer.integers:
        old = numpy_helper.to_array(values[name])
        own = f"{name}_of_{layer.output}"
        _put(graph, values, own, (old + change).astype(np.float32))
        layer.holder.input[layer.position] = own
        return
    node = next(n for n in graph.node if n.op_type == "DequantizeLinear" and n.output[0] == name)
    scales = np.asarray(numpy_helper.to_array(values[node.input[1]]), np.float64)
    old = numpy_helper.to_array(values[node.input[0]])
    steps = np.round(change / np.where(scales == 0, 1, scales))
    limits = np.iinfo(old.dtype)
    _put(graph, values, node.input[0], np.clip(old + steps, limits.min, limits.max).astype(old.dtype))


def _put(graph: Any, values: dict[str, Any], name: str, array: NDArray[Any]) -> None:
    from onnx import numpy_helper

    if name in values:
        values[name].CopyFrom(numpy_helper.from_array(array, name))
    else:
        graph.initializer.append(numpy_helper.from_array(array, name))
