"""Build a model in which one layer at a time can compute in 8 bits, to measure the cost of each layer.

Each layer becomes an If: its 8-bit form if it is the chosen one, else its original form. One session serves all layers,
where quantizing the model again for each would take minutes.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.convert.graphs import onnx_files
from workers.quantize.qdq import HEAVY, RangeParams
from workers.quantize.weights.stored_weights import channels, floats, scales_of

CHOSEN = "fettle_chosen_layer"
SIZE = "fettle_size_"
NONE = -1


class ChosenLayer:
    """A session of the switchable model that runs one layer, chosen by its number, in 8 bits."""

    def __init__(self, session: Any) -> None:
        """Wrap an open session of the switchable model; no layer is chosen."""
        self._session = session
        self.layer = NONE
        self.sizes: dict[int, int] = {}  # number of values that each layer produced in the last request

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the predictions with the chosen layer in 8 bits and record the sizes of all layers."""
        answers: dict[str, NDArray[Any]] = self._session.run({**feeds, CHOSEN: np.array(self.layer, np.int64)})
        for name in [name for name in answers if name.startswith(SIZE)]:
            self.sizes[int(name.removeprefix(SIZE))] = int(answers.pop(name))
        return answers

    def close(self) -> None:
        """Close the session."""
        self._session.close()


def heavy_layers(proto: Any) -> list[str]:
    """Return the names of the main graph's convolutions and products with fixed weights, in graph order."""
    weights = floats(proto.graph)
    return [n.name for n in proto.graph.node if n.op_type in HEAVY and len(n.input) > 1 and n.input[1] in weights]


def add_switches(proto: Any, ranges: Any, params: RangeParams) -> dict[str, int]:
    """Make the heavy layers of `proto` switchable, in place.

    `ranges` come from `qdq.learn_ranges`. The model gets the input `CHOSEN` (int64, a scalar) and one output per layer
    with the number of values that the layer produces.

    Returns:
        {layer: multiplications for each of its output values}, in the order of the layers' numbers.
    """
    from onnx import TensorProto, helper

    graph = proto.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    inputs = {node.name: node.input[0] for node in graph.node}
    names = [name for name in heavy_layers(proto) if inputs[name] in ranges]
    products: dict[str, int] = {}
    numbers = {name: number for number, name in enumerate(names)}
    quantized: dict[tuple[str, int], tuple[str, str, int]] = {}
    nodes: list[Any] = []
    for node in graph.node:
        if node.name not in numbers:
            nodes.append(node)
            continue
        number = numbers[node.name]
        condition = f"fettle_is_{number}"
        graph.initializer.append(helper.make_tensor(f"fettle_number_{number}", TensorProto.INT64, [], [number]))
        nodes.append(helper.make_node("Equal", [CHOSEN, f"fettle_number_{number}"], [condition]))
        weight = weights[node.input[1]]
        axis = channels(node, len(weight.dims))
        products[node.name] = math.prod(weight.dims) // max(1, weight.dims[axis])
        key = (weight.name, axis)
        if key not in quantized:
            quantized[key] = _store(graph, weight, axis, params)
        nodes.append(_switch(node, number, condition, ranges[node.input[0]].range_value, quantized[key]))
        nodes.append(helper.make_node("Size", [node.output[0]], [f"{SIZE}{number}"]))
        graph.output.append(helper.make_tensor_value_info(f"{SIZE}{number}", TensorProto.INT64, []))
    onnx_files.set_nodes(graph, nodes)
    graph.input.append(helper.make_tensor_value_info(CHOSEN, TensorProto.INT64, []))
    return products


def _store(graph: Any, tensor: Any, axis: int, params: RangeParams) -> tuple[str, str, int]:
    """Add the 8-bit weight and its scales to the graph; return the weight's name, the scales' name and the axis."""
    from onnx import numpy_helper

    values = np.asarray(numpy_helper.to_array(tensor), np.float32)
    limit = 64 if params.reduce_range else 127
    scales = scales_of(values, axis if params.per_channel else None, limit)
    name, scale_name = f"fettle_int8_{tensor.name}_{axis}", f"fettle_scales_{tensor.name}_{axis}"
    numbers = np.clip(np.round(values / scales), -limit, limit).astype(np.int8)
    shape = (-1,) if params.per_channel else ()
    graph.initializer.append(numpy_helper.from_array(numbers, name))
    graph.initializer.append(numpy_helper.from_array(scales.reshape(shape), scale_name))
    return name, scale_name, axis


def _switch(node: Any, number: int, condition: str, value_range: tuple[Any, Any], weight: tuple[str, str, int]) -> Any:
    """Return the If node that replaces `node`."""
    from onnx import TensorProto, helper

    name, scales, axis = weight
    low, high = (float(np.asarray(value).reshape(-1)[0]) for value in value_range)
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max(high - low, 1e-12) / 255
    zero = int(np.clip(round(-low / scale), 0, 255))
    prefix = f"fettle_{number}"
    parameters = [
        helper.make_tensor(f"{prefix}_scale", TensorProto.FLOAT, [], [scale]),
        helper.make_tensor(f"{prefix}_zero", TensorProto.UINT8, [], [zero]),
    ]
    pair = [f"{prefix}_scale", f"{prefix}_zero"]
    eight = _copy(node, f"{prefix}_on", [f"{prefix}_x", f"{prefix}_w", *node.input[2:]])
    on = [
        helper.make_node("QuantizeLinear", [node.input[0], *pair], [f"{prefix}_q"]),
        helper.make_node("DequantizeLinear", [f"{prefix}_q", *pair], [f"{prefix}_x"]),
        helper.make_node("DequantizeLinear", [name, scales], [f"{prefix}_w"], axis=axis),
        eight,
    ]
    off = [_copy(node, f"{prefix}_off", list(node.input))]
    branches = {
        f"{branch}_branch": helper.make_graph(
            body, f"{prefix}_{branch}", [], [helper.make_tensor_value_info(body[-1].output[0], TensorProto.FLOAT, None)]
        )
        for branch, body in (("then", on), ("else", off))
    }
    branches["then_branch"].initializer.extend(parameters)
    return helper.make_node("If", [condition], list(node.output), name=f"{prefix}_switch", **branches)


def _copy(node: Any, output: str, inputs: list[str]) -> Any:
    copy = onnx_files.copied(node)
    copy.name = output
    del copy.input[:]
    copy.input.extend(inputs)
    copy.output[0] = output
    return copy


def write(prepared: Path, target: Path, ranges: Any, params: RangeParams) -> dict[str, int]:
    """Write the switchable form of the model `prepared` and return its layers, in the order of their numbers."""
    proto = onnx_files.load(prepared)
    products = add_switches(proto, ranges, params)
    del proto.graph.value_info[:]
    onnx_files.save(proto, target)
    return products
