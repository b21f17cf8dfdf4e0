"""Graphs of model files, and operators matched by their names alone."""

from pathlib import Path

import onnx

from workers.contracts.after.changes import ChangedNode
from workers.explain.graph import ModelGraph, Node
from workers.infer.openvino_program import import_library


def graph_of(path: Path) -> ModelGraph:
    """The main graph of an ONNX file or of an OpenVINO model, without shapes."""
    if path.suffix == ".xml":
        ops = import_library().Core().read_model(path).get_ordered_ops()
        nodes = tuple(Node(op.get_friendly_name(), op.get_type_name()) for op in ops)
        return ModelGraph(nodes, (), ())
    return graph_in(onnx.load(str(path), load_external_data=False))


def graph_in(proto: onnx.ModelProto) -> ModelGraph:
    """The main graph of an ONNX model; a node without a name has that of its first output."""
    graph = proto.graph
    weights = {tensor.name for tensor in graph.initializer}
    nodes = tuple(
        Node(one.name or one.output[0], one.op_type, tuple(n for n in one.input if n not in weights), tuple(one.output))
        for one in graph.node
    )
    return ModelGraph(nodes, tuple(one.name for one in graph.input), tuple(one.name for one in graph.output))


def by_name(
    first: ModelGraph,
    second: ModelGraph,
    renamed: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
) -> tuple[ChangedNode, ...]:
    """Rows for the nodes of both models; those that have the same name and kind are unchanged.

    Args:
        first: The first model.
        second: The second model.
        renamed: Names in the second model of those that have another one there.
        values: Values of the second model that are the outputs of these nodes.
    """
    ops = {node.name: node.op for node in second.nodes}
    rows = []
    for node in first.nodes:
        b = (renamed or {}).get(node.name, node.name)
        op_b = ops.get(b, "")
        status = "removed" if b not in ops else "unchanged" if op_b == node.op else "replaced"
        own = {"a": node.name, "b": b if b in ops else None, "op": node.op, "op_b": op_b, "status": status}
        rows.append(ChangedNode(**own, value_b=(values or {}).get(node.name, "")))
    known = {row.b for row in rows}
    new = (node for node in second.nodes if node.name not in known)
    rows += [ChangedNode(a=None, b=one.name, op=one.op, op_b=one.op, status="added") for one in new]
    return tuple(rows)
