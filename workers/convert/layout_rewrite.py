"""Move transposes of another framework's layout through the graph until they meet their inverse and disappear.

Frameworks that keep channels last export a Transpose before and after each convolution. Operators between two of them
can work on the other layout as well, with renamed axes and constants.
"""

from workers.convert.graphs.graph import Graph
from workers.convert.graphs.layout_moves import moved
from workers.convert.rewriting import rewriting

ID = "layout_rewrite"
TITLE = "Transposes removed"
MOST_MOVES = 100_000
"""Safety limit that no real graph reaches, so that a defect cannot loop forever."""


def change(graph: Graph) -> int:
    """Move all transposes down as far as possible; return by how many their number fell, 0 if it did not."""
    before = _count(graph)
    if before < 2:
        return 0
    for _ in range(MOST_MOVES):
        if not _one_move(graph):
            break
    return max(0, before - _count(graph))


def _one_move(graph: Graph) -> bool:
    return any(
        moved(graph, node, user)
        for node in graph.nodes
        if node.op_type == "Transpose" and not graph.is_captured(node.outputs[0])
        for user in node.outputs[0].consumers()
    )


def _count(graph: Graph) -> int:
    """Count the transposes of computed values that are used."""
    return sum(
        node.op_type == "Transpose" and bool(node.outputs[0].uses() or node.outputs[0].is_graph_output())
        for node in graph.nodes
    )


SPEC = rewriting(
    ID,
    TITLE,
    change,
    "{count} transposes of whole tensors were removed.",
    order=3,
    kinds=("Transpose", "Reorder"),
    summary="Removes the changes of layout that another framework has left between the layers. Same answers.",
    source="ONNX operator specification (Transpose); ONNX Runtime's transpose optimizer goes the same way",
)
