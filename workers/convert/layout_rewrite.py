"""Transposes of another framework's layout: moved through the graph until they meet their inverse, then removed.

Frameworks that keep channels last export a Transpose before and after each convolution. Whatever stands between two of
them can as well work on the other layout, with its axes and constants renamed.
"""

from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.convert.graph import Graph
from workers.convert.layout_moves import moved
from workers.convert.rewriting import rewrite

ID = "layout_rewrite"
TITLE = "Transposes removed"
MOST_MOVES = 100_000
"""No graph of any use comes near it; a bound, so that a mistake cannot loop for ever."""


class Params(TechniqueParams):
    """Nothing to choose."""


def change(graph: Graph) -> int:
    """Move all transposes down as far as they go; the number by which they became fewer, 0 where they did not."""
    before = _count(graph)
    if before < 2:
        return 0
    kept = [type(node).FromString(node.SerializeToString()) for node in graph.nodes]
    for _ in range(MOST_MOVES):
        if not _one_move(graph):
            break
    fewer = before - _count(graph)
    if fewer <= 0:
        graph.reset(kept)
        return 0
    return fewer


def _one_move(graph: Graph) -> bool:
    for node in graph.nodes:
        if node.op_type == "Transpose":
            for user in graph.uses.get(node.output[0], []):
                if moved(graph, node, user):
                    return True
    return False


def _count(graph: Graph) -> int:
    """Transposes of computed tensors that somebody uses."""
    return sum(
        node.op_type == "Transpose" and bool(graph.uses.get(node.output[0]) or node.output[0] in graph.outputs)
        for node in graph.nodes
    )


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Answers stay the same; checked on inputs."""
    return rewrite(model, ID, TITLE, params, ctx, change, "{count} transposes of whole tensors were removed.")


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Removes the changes of layout that another framework has left between the layers. Same answers.",
    source="ONNX operator specification (Transpose); ONNX Runtime's transpose optimizer goes the same way",
    params=Params,
    accepts=("onnx",),
    apply=apply,
    requires=("onnx", "onnxruntime"),
    install_hint="pip install onnx onnxruntime",
)
