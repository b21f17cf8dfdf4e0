"""Each layer's 8-bit form beside the layer itself, in the original's graph and fed with the original's values.

What a layer's own rounding does to the mean of its results is seen without what layers before it did.
"""

from typing import Any

from workers.quantize.qdq import HEAVY

LIGHT = ("QuantizeLinear", "DequantizeLinear", "Mul")
"""What may lie between a value of the original and a layer of the quantized model."""


class LayerPairs:
    """`add` puts the 8-bit form of a layer of `quantized` into `reference`: graphs with the same names of values.

    Layers are found by their own names: the quantizer gives other names to the values that they give.
    """

    def __init__(self, reference: Any, quantized: Any) -> None:
        self._reference = reference
        self._known = {value.name for value in reference.input}
        self._made = {name for node in reference.node for name in node.output}
        self._layers = {node.name: node for node in reference.node if node.op_type in HEAVY}
        self._own = {name: node for node in quantized.node for name in node.output}
        self._tensors = {tensor.name: tensor for tensor in quantized.initializer}
        self._count = 0

    def add(self, output: str) -> tuple[str, str] | None:
        """(the original's result, its twin's) for the layer that gives `output`; None where it has no counterpart."""
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
        """Put `node` and what prepares its inputs into `nodes`, first what comes first; whether all was found."""
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
        from onnx import NodeProto

        copy = NodeProto()
        copy.CopyFrom(node)
        copy.name = prefix + (node.name or node.output[0])
        for names in (copy.input, copy.output):
            for index, name in enumerate(names):
                if name in made or name in self._tensors:
                    names[index] = prefix + name
        return copy
