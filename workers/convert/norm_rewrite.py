"""Rewrite group normalizations to use pooling instead of reshaping, so that the layout stays the same.

Exporters write a group normalization as Reshape, InstanceNormalization, Reshape. Engines that keep channels innermost
must then copy the whole tensor twice for each. Here, means over the image come from pooling and means over a group's
channels from a product with a small table, so nothing is copied.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from workers.contracts.translation import mark
from workers.convert.graphs.graph import Array, Graph, Shape, attribute, maker_of
from workers.convert.rewriting import rewriting

ID = "norm_rewrite"
TITLE = mark("Group normalization without copies")


@dataclass(frozen=True)
class Group:
    """One group normalization of `source` (n, channels, …) into `groups` parts, with the result `output`.

    `scale` and `bias` hold one value per channel.
    """

    source: Any
    channels: int
    axes: int
    groups: int
    epsilon: float
    scale: Array
    bias: Array
    output: Any


def change(graph: Graph) -> int:
    """Rewrite all group normalizations at once."""
    matches = [match for node in graph.nodes if (match := _match(graph, node)) is not None]
    for match in matches:
        if match.groups == match.channels:
            _instance(graph, match)
        else:
            _pooled(graph, match)
    return len(matches)


def _match(graph: Graph, node: Any) -> Group | None:
    if node.op_type == "InstanceNormalization":
        return _reshaped(graph, node)
    if node.op_type == "GroupNormalization":  # scale and bias are per group in operator set 18, per channel from 21 on
        return _group(graph, node, node.inputs[0], int(attribute(node, "num_groups", 0)), node.outputs[0])
    return None


def _reshaped(graph: Graph, node: Any) -> Group | None:
    """Match Reshape (n, groups, everything else) → InstanceNormalization → Reshape to the original shape."""
    before, after = maker_of(node.inputs[0], "Reshape"), graph.only_user(node.outputs[0])
    if before is None or after is None or after.op_type != "Reshape":
        return None
    source, inner = before.inputs[0], graph.shape(node.inputs[0])
    shape, scale = _floats(graph, source), graph.constant(node.inputs[1])
    if shape is None or inner is None or len(inner) != 3 or scale is None or inner[1] != scale.size:
        return None
    group = _group(graph, node, source, scale.size, after.outputs[0])
    return group if group is not None and _returns(graph, after, source, shape) else None


def _group(graph: Graph, node: Any, source: Any, groups: int, output: Any) -> Group | None:
    """Return the normalization if its weights are constants that fit its groups or channels."""
    shape = _floats(graph, source)
    scale, bias = graph.constant(node.inputs[1]), graph.constant(node.inputs[2])
    channels = shape[1] if shape is not None else None
    if shape is None or channels is None or not groups or channels % groups or scale is None or bias is None:
        return None
    if scale.size not in (groups, channels):
        return None
    scale, bias = (np.repeat(values, channels // scale.size) for values in (scale, bias))
    return Group(source, channels, len(shape), groups, float(attribute(node, "epsilon", 1e-5)), scale, bias, output)


def _floats(graph: Graph, value: Any) -> Shape | None:
    """Return the shape of a 32-bit tensor with at least one axis after the channels, else None."""
    from onnx import TensorProto

    shape = graph.shape(value)
    return shape if shape is not None and len(shape) >= 3 and graph.dtype(value) == TensorProto.FLOAT else None


def _returns(graph: Graph, after: Any, source: Any, shape: Shape) -> bool:
    """Return whether the second Reshape restores the shape of the first one's input."""
    wanted = graph.constant(after.inputs[1])
    if wanted is None:
        maker = maker_of(after.inputs[1], "Shape")
        if maker is None or maker.inputs[0] is not source:
            return False
        return attribute(maker, "start", 0) == 0 and attribute(maker, "end") is None
    sizes = wanted.reshape(-1).tolist()
    return len(sizes) == len(shape) and all(
        size == have or (size == 0 and have is None) or (size in (0, -1) and axis == 0)
        for axis, (size, have) in enumerate(zip(sizes, shape, strict=True))
    )


def _instance(graph: Graph, match: Group) -> None:
    """Replace a group normalization with one channel per group by an instance normalization."""
    weights = [graph.add_constant(match.scale, "scale"), graph.add_constant(match.bias, "bias")]
    graph.add("InstanceNormalization", [match.source, *weights], match.output, epsilon=match.epsilon)


def _pooled(graph: Graph, match: Group) -> None:
    """Compute (x − mean) / √(mean((x − mean)²) + ε), never E[x²] − mean², which loses all digits in 16-bit numbers."""
    ones = (1,) * (match.axes - 2)
    each = match.channels // match.groups
    share = np.kron(np.eye(match.groups), np.full((each, each), 1 / each)).astype(np.float32)
    table = graph.add_constant(share.reshape(match.channels, match.channels, *ones), "group")

    def over_groups(value: Any) -> Any:
        return graph.add("Conv", [graph.add("GlobalAveragePool", [value]), table])

    centered = graph.add("Sub", [match.source, over_groups(match.source)])
    variance = over_groups(graph.add("Mul", [centered, centered]))
    epsilon = graph.add_constant(np.array(match.epsilon, np.float32), "epsilon")
    spread = graph.add("Sqrt", [graph.add("Add", [variance, epsilon])])
    plain = (match.scale == 1).all() and (match.bias == 0).all()
    if plain:
        graph.add("Div", [centered, spread], match.output)
        return
    scale = graph.add_constant(match.scale.astype(np.float32).reshape(-1, *ones), "scale")
    bias = graph.add_constant(match.bias.astype(np.float32).reshape(-1, *ones), "bias")
    graph.add("Add", [graph.add("Mul", [graph.add("Div", [centered, spread]), scale]), bias], match.output)


SPEC = rewriting(
    ID,
    TITLE,
    change,
    mark("{count} group normalizations no longer copy their tensors into another layout and back."),
    order=2,
    kinds=("Reorder", "MVN"),
    summary="Computes group normalizations in the layout that the convolutions around them use. Same answers.",
    source="Group Normalization, arXiv 1803.08494; ONNX operator specification (GroupNormalization, opset 21)",
)
