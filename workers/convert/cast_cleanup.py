"""Remove casts that have no effect, and convert 64-bit parts of a 32-bit graph to 32 bits."""

import numpy as np

from workers.contracts.translation import mark
from workers.convert.graphs.graph import Graph, attribute, maker_of
from workers.convert.rewriting import rewriting

ID = "cast_cleanup"
TITLE = mark("Casts removed")

WIDER = {
    "BOOL": {"UINT8", "INT8", "INT16", "INT32", "INT64", "FLOAT16", "FLOAT", "DOUBLE"},
    "UINT8": {"INT16", "INT32", "INT64", "FLOAT16", "FLOAT", "DOUBLE"},
    "INT8": {"INT16", "INT32", "INT64", "FLOAT16", "FLOAT", "DOUBLE"},
    "INT16": {"INT32", "INT64", "FLOAT", "DOUBLE"},
    "INT32": {"INT64", "DOUBLE"},
    "FLOAT16": {"FLOAT", "DOUBLE"},
    "BFLOAT16": {"FLOAT", "DOUBLE"},
    "FLOAT": {"DOUBLE"},
}
"""Types that hold every value of another type."""


def change(graph: Graph) -> int:
    """Run one round: 64-bit parts first, then casts to the existing type, then casts there and back."""
    return _narrow_doubles(graph) or _same_type(graph) or _there_and_back(graph)


def _same_type(graph: Graph) -> int:
    """Remove casts to the type that a value already has."""
    idle = [
        node for node in graph.nodes if node.op_type == "Cast" and graph.dtype(node.inputs[0]) == attribute(node, "to")
    ]
    for node in idle:
        graph.replace(node.outputs[0], node.inputs[0])
    return len(idle)


def _there_and_back(graph: Graph) -> int:
    """Skip the first of two casts if the type between them holds every value."""
    count = 0
    for node in graph.nodes:
        first = maker_of(node.inputs[0], "Cast") if node.op_type == "Cast" else None
        if first is not None and _name(attribute(first, "to")) in WIDER.get(_name(graph.dtype(first.inputs[0])), ()):
            node.replace_input_with(0, first.inputs[0])
            count += 1
    return count


def _narrow_doubles(graph: Graph) -> int:
    """Convert all inner 64-bit floats to 32 bits, unless an input or output of the model has 64 bits."""
    import onnx_ir as ir

    double = ir.DataType.DOUBLE
    doubles = [value for value in graph.main.initializers.values() if value.dtype == double]
    weights = [(value, content) for value in doubles if (content := graph.constant(value)) is not None]
    if any(value.dtype == double for value in (*graph.main.inputs, *graph.main.outputs)) or [*graph.main.subgraphs()]:
        return 0
    if any(np.abs(one[np.isfinite(one)]).max(initial=0) > np.finfo(np.float32).max for _, one in weights):
        return 0
    for value, content in weights:
        graph.replace(value, graph.add_constant(content.astype(np.float32)))
    count = len(weights)
    for node in graph.nodes:
        for entry in list(node.attributes.values()):
            if node.op_type == "Cast" and entry.name == "to" and entry.value == double:
                node.attributes.add(ir.AttrInt64("to", ir.DataType.FLOAT))
                count += 1
            elif entry.type == ir.AttributeType.TENSOR and entry.value.dtype == double:
                node.attributes.add(ir.AttrTensor(entry.name, ir.tensor(entry.value.numpy().astype(np.float32))))
                count += 1
    return count


def _name(kind: int | None) -> str:
    import onnx_ir as ir

    return ir.DataType(kind).name if kind else ""


SPEC = rewriting(
    ID,
    TITLE,
    change,
    mark("{count} conversions between kinds of numbers were removed."),
    order=4,
    kinds=("Convert",),
    summary="Removes conversions between kinds of numbers that have no effect. Same answers.",
    source="ONNX operator specification (Cast)",
)
