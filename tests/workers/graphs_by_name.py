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
    graph = onnx.load(str(path), load_external_data=False).graph
    nodes = tuple(
        Node(node.name or node.output[0], node.op_type, tuple(node.input), tuple(node.output)) for node in graph.node
    )
    return ModelGraph(nodes, tuple(one.name for one in graph.input), tuple(one.name for one in graph.output))


def matched(
    first: ModelGraph,
    second: ModelGraph,
    renamed: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
) -> list[ChangedNode]:
    """Rows for the nodes of the first model; `renamed` has nodes of the second model, `values` its values."""
    ops = {node.name: node.op for node in second.nodes}
    rows = []
    for node in first.nodes:
        name = (renamed or {}).get(node.name, node.name)
        known = name in ops
        rows.append(
            ChangedNode(
                a=node.name,
                b=name if known else None,
                op=node.op,
                op_b=ops.get(name, ""),
                value_b=(values or {}).get(node.name, ""),
                status="unchanged" if known else "unmatched",
            )
        )
    return rows
