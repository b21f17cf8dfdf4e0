"""Read and write the 8-bit layers of a graph with QuantizeLinear and DequantizeLinear."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.convert.graphs import onnx_files

BIAS_LIMIT = 2**30
"""Largest bias in whole numbers, so that sums in 32 bits do not overflow."""

PAIR = ("QuantizeLinear", "DequantizeLinear")
KEPT = "fettle_kept_"
"""Start of the names of weights that are brought back from the original."""


@dataclass
class QuantizedLayer:
    """One layer of the graph: the DequantizeLinear nodes of its weights and (None without) of its bias.

    `added` is the name of a constant that an Add behind a product brings as its bias.
    """

    node: Any
    weight: Any
    bias: Any | None
    added: str = ""


@dataclass(frozen=True)
class Range:
    """Range of an inner value: the name of its scale, the scale, and the whole numbers of zero and of both ends."""

    name: str
    scale: float
    zero: int
    low: int
    high: int


class QuantizedGraph:
    """The layers of a quantized graph by their names; `tensors` are its initializers."""

    def __init__(self, proto: Any, with_sums: bool = True) -> None:
        """Find the quantized layers of the ONNX model `proto`, into which learned numbers are written.

        `with_sums` finds the biases that an Add behind a product brings, too.
        """
        self._with_sums = with_sums
        self.proto, graph = proto, proto.graph
        self.tensors = {tensor.name: tensor for tensor in graph.initializer}
        self._made = {name: node for node in graph.node for name in node.output}
        self._readers = onnx_files.readers_of(graph)
        layers = (self._layer(node) for node in graph.node)
        self.layers = {layer.node.name: layer for layer in layers if layer is not None}

    def array(self, name: str) -> NDArray[Any]:
        """Return an initializer's values."""
        from onnx import numpy_helper

        return np.asarray(numpy_helper.to_array(self.tensors[name]))

    def put(self, name: str, values: NDArray[Any]) -> None:
        """Replace an initializer's values; its name and type stay."""
        from onnx import numpy_helper

        self.tensors[name].CopyFrom(numpy_helper.from_array(values.copy(), name))

    def _layer(self, node: Any) -> QuantizedLayer | None:
        if node.op_type not in ("Conv", "MatMul", "Gemm") or len(node.input) < 2:
            return None
        weight = self._stored(node.input[1], np.int8)
        if weight is None:
            return None
        if node.op_type == "MatMul":
            return QuantizedLayer(node, weight, None, self._added(node.output[0]) if self._with_sums else "")
        bias = self._stored(node.input[2], np.int32) if len(node.input) > 2 else None
        return None if len(node.input) > 2 and bias is None else QuantizedLayer(node, weight, bias)

    def _stored(self, name: str, kind: Any) -> Any | None:
        """Return the node that dequantizes a constant of this type for one layer only."""
        node = self._made.get(name)
        if node is None or node.op_type != "DequantizeLinear" or node.input[0] not in self.tensors:
            return None
        alone = len(self._readers[name]) == 1 and len(self._readers[node.input[0]]) == 1
        return node if alone and self.array(node.input[0]).dtype == kind else None

    def _added(self, output: str) -> str:
        after = self._readers.get(output, [])
        if len(after) != 1 or after[0].op_type != "Add":
            return ""
        name = next(name for name in after[0].input if name != output)
        alone = name in self.tensors and len(self._readers[name]) == 1
        return name if alone and self.array(name).ndim == 1 and self.array(name).dtype == np.float32 else ""

    def scales(self, layer: QuantizedLayer) -> NDArray[np.float32]:
        """Return the scales of the weights, (outputs,) or ()."""
        return self.array(layer.weight.input[1])

    def range_of(self, layer: QuantizedLayer) -> Range | None:
        """Return the range of the layer's input; None where the input is not quantized."""
        back = self._made.get(layer.node.input[0])
        if back is None or back.op_type != "DequantizeLinear" or back.input[1] not in self.tensors:
            return None
        zero = self.array(back.input[2])
        ends = np.iinfo(zero.dtype)
        return Range(back.input[1], self.array(back.input[1]).item(), int(zero.item()), ends.min, ends.max)

    def readers_of_range(self, name: str) -> set[str]:
        """Return the names of the operators that read values in the range whose scale has this name."""
        backs = [node for node in self._readers[name] if node.op_type == "DequantizeLinear"]
        return {reader.name for back in backs for reader in self._readers.get(back.output[0], [])}

    def write(self, layer: QuantizedLayer, weights: NDArray[np.float32], scales: NDArray[np.float32]) -> None:
        """Store weights, given as whole numbers in the order of torch, and scales (outputs,)."""
        node = layer.node
        turned = node.op_type == "MatMul" or (node.op_type == "Gemm" and not onnx_files.is_set(node, "transB"))
        self.put(layer.weight.input[0], (weights.T if turned else weights).astype(np.int8))
        self.put(layer.weight.input[1], scales.astype(np.float32).reshape(self.scales(layer).shape))

    def write_bias(self, layer: QuantizedLayer, bias: NDArray[np.float32]) -> None:
        """Store a bias (outputs,) in whole numbers that fit the scales, or in the Add behind the layer."""
        if layer.bias is None:
            self.put(layer.added, bias.astype(np.float32))
            return
        read = self.range_of(layer)
        scales = self.scales(layer).astype(np.float64).reshape(-1) * (1.0 if read is None else read.scale)
        scales = np.maximum(scales, np.abs(bias) / BIAS_LIMIT)
        self.put(layer.bias.input[0], np.rint(bias / scales).astype(np.int32))
        self.put(layer.bias.input[1], scales.astype(np.float32).reshape(self.array(layer.bias.input[1]).shape))


def _pair_of(name: str, made: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """Return the nodes that round a value to `name`; None if none do."""
    back = made.get(name)
    pair = made.get(back.input[0]) if back is not None and back.op_type == "DequantizeLinear" else None
    return (pair, back) if pair is not None and pair.op_type == "QuantizeLinear" else None


def float_outputs(proto: Any) -> None:
    """Let the model's own outputs keep their numbers, which costs no time."""
    graph = proto.graph
    made = {name: node for node in graph.node for name in node.output}
    readers = onnx_files.readers_of(graph)
    for value in graph.output:
        pair = _pair_of(value.name, made)
        source = made.get(pair[0].input[0]) if pair is not None and not readers.get(value.name) else None
        if pair is None or source is None or any(len(readers[node.input[0]]) > 1 for node in pair):
            continue
        place = list(source.output).index(pair[0].input[0])
        source.output[place] = value.name
        onnx_files.set_nodes(graph, [node for node in graph.node if node not in pair])
        made[value.name] = source


def float_sums(proto: Any, activated: Collection[str]) -> None:
    """Let sums read their inputs before rounding.

    Pairs that stand for a Relu or Clip, whose results `activated` names, stay. The residual values that a sum hands on
    collect the rounding of all layers before.
    """
    _read_unrounded(proto.graph, [node for node in proto.graph.node if node.op_type == "Add"], activated)


def round_layers_only(proto: Any, layers: Collection[str]) -> None:
    """Let all operators but the layers with these names read values before rounding, which costs no time."""
    others = [node for node in proto.graph.node if node.name not in layers and node.op_type not in PAIR]
    _read_unrounded(proto.graph, others, ())


def _read_unrounded(graph: Any, nodes: Iterable[Any], without: Collection[str]) -> None:
    """Let these nodes read values before rounding, except those that `without` names."""
    made = {name: node for node in graph.node for name in node.output}
    for node in nodes:
        for place, name in enumerate(node.input):
            pair = _pair_of(name, made)
            if pair is not None and pair[0].input[0] not in without:
                node.input[place] = pair[0].input[0]
    _drop_unread(graph)


def original_inputs(proto: Any, original: Any, names: Collection[str]) -> dict[str, list[str]]:
    """Return {layer: its inputs in the graph `original`} and add the weights among them to `proto`."""
    weights = {tensor.name: tensor for tensor in original.graph.initializer}
    known = {tensor.name for tensor in proto.graph.initializer}
    found: dict[str, list[str]] = {}
    for node in original.graph.node:
        if node.name not in names:
            continue
        found[node.name] = [f"{KEPT}{name}" if name in weights else name for name in node.input]
        for name in node.input:
            if name in weights and f"{KEPT}{name}" not in known:
                known.add(f"{KEPT}{name}")
                proto.graph.initializer.add().CopyFrom(weights[name])
                proto.graph.initializer[-1].name = f"{KEPT}{name}"
    return found


def keep(proto: Any, original: Any, names: Collection[str]) -> None:
    """Give these layers the inputs and weights in 32 bits that they have in the graph `original`."""
    inputs = original_inputs(proto, original, names)
    for node in proto.graph.node:
        if node.name in inputs:
            node.input[:] = inputs[node.name]
    _drop_unread(proto.graph)
    onnx_files.drop_unused(proto)


def _drop_unread(graph: Any) -> None:
    """Remove pairs that no operator reads."""
    for kind in reversed(PAIR):
        read = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
        kept = [node for node in graph.node if node.op_type != kind or node.output[0] in read]
        onnx_files.set_nodes(graph, kept)
