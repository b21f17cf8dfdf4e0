"""Compute each layer's INT8 form next to the layer itself, in the original's graph and on the original's values.

This shows how a layer's own rounding changes its mean output, without the effect of earlier layers.
"""

from typing import Any

from workers.convert.graphs import onnx_files
from workers.quantize.qdq import HEAVY

LIGHT = ("QuantizeLinear", "DequantizeLinear", "Mul")
"""Operators that may lie between a value of the original and a layer of the quantized model."""


class LayerPairs:
    """Adds INT8 forms of layers of `quantized` to the graph `reference`, which uses the same value names.

    Layers are matched by their node names, because the quantizer renames the values that they produce.
    """

    def __init__(self, reference: Any, quantized: Any) -> None:
        """Index the layers and values of both graphs; `reference` is changed by `add`."""
        self._reference = reference
        self._known = {value.name for value in reference.input}
        self._made = {name for node in reference.node for name in node.output}
        self._layers = {node.name: node for node in reference.node if node.op_type in HEAVY}
        self._own = {name: node for node in quantized.node for name in node.output}
        self._tensors = {tensor.name: tensor for tensor in quantized.initializer}
        self._count = 0

    def add(self, output: str) -> tuple[str, str] | None:
        """Add the INT8 form of the layer that produces `output`.

        Returns:
            The names of the original's result and of the INT8 result; None where the layer has no counterpart.
        """
        layer = self._own[output]
        original = self._layers.get(layer.name)
        nodes: list[Any] = []
        if original is None or original.op_type != layer.op_type or not self._collect(layer, nodes):
            return None
        prefix = f"fettle_twin{self._count}_"
        self._count += 1
        made = {name for node in nodes for name in node.output}
        taken: set[str] = set()
        for node in nodes:
            self._reference.node.append(self._copy(node, prefix, made))
            taken.update(name for name in node.input if name in self._tensors)
        for name in sorted(taken):
            tensor = self._reference.initializer.add()
            tensor.CopyFrom(self._tensors[name])
            tensor.name = prefix + name
        return original.output[0], prefix + output

    def _collect(self, node: Any, nodes: list[Any]) -> bool:
        """Append `node` and the makers of its inputs to `nodes`, in graph order; return False if any is missing."""
        for name in node.input:
            if not name or name in self._tensors:
                continue
            maker = self._own.get(name)
            if maker is not None and maker.op_type in LIGHT:
                if maker not in nodes and not self._collect(maker, nodes):
                    return False
            elif name not in self._made and name not in self._known:
                return False
        nodes.append(node)
        return True

    def _copy(self, node: Any, prefix: str, made: set[str]) -> Any:
        copy = onnx_files.copied(node)
        copy.name = prefix + (node.name or node.output[0])
        for names in (copy.input, copy.output):
            for index, name in enumerate(names):
                if name in made or name in self._tensors:
                    names[index] = prefix + name
        return copy
