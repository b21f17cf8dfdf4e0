"""Split Optimum's merged decoder, one file with two branches, into a decoder and a decoder with past.

`decoder_model_merged.onnx` is one If over `use_cache_branch`: without a cache the decoder reads all tokens, with it one
token and the cache (optimum's `merge_decoders`, which transformers.js needs). Each branch alone is a plain graph that
techniques and other runtimes accept.
"""

from collections.abc import Iterable
from typing import Any

CHOICE = "use_cache_branch"
CROSS = ".encoder."
"""Marks keys and values of the encoder's output; the branch with a cache outputs empty ones, which are not used."""


def taken_apart(model: Any) -> tuple[Any, Any] | None:
    """Return decoder and decoder with past as separate models that share the file's external data.

    Return None where `model` (an onnx ModelProto) is no If over `use_cache_branch`.
    """
    asked = [node for node in model.graph.node if node.op_type == "If" and list(node.input) == [CHOICE]]
    if len(asked) != 1 or len(model.graph.node) != 1:
        return None
    branches = {entry.name: entry.g for entry in asked[0].attribute}
    if set(branches) != {"then_branch", "else_branch"}:
        return None
    names = list(asked[0].output)
    whole = _alone(model, branches["else_branch"], names, range(len(names)))
    kept = [at for at, name in enumerate(names) if CROSS not in name]
    return whole, _alone(model, branches["then_branch"], names, kept)


def _alone(model: Any, branch: Any, names: list[str], kept: Iterable[int]) -> Any:
    """Return one branch with the outputs at the positions `kept` and everything they depend on."""
    import onnx

    made = onnx.ModelProto()
    made.CopyFrom(_without_graph(model))
    graph = made.graph
    graph.name = branch.name or "branch"
    described = {entry.name: entry for entry in model.graph.output}
    needed: set[str] = set()
    tail = []
    for at in kept:
        source = branch.output[at].name
        needed.add(source)
        graph.output.append(described[names[at]])
        if source != names[at]:
            tail.append(onnx.helper.make_node("Identity", [source], [names[at]]))
    nodes = []
    for node in reversed(branch.node):
        if needed.intersection(node.output):
            nodes.append(node)
            needed |= _read_by(node)
    graph.node.extend([*reversed(nodes), *tail])
    weights = [*model.graph.initializer, *branch.initializer]
    graph.initializer.extend(tensor for tensor in weights if tensor.name in needed)
    graph.input.extend(entry for entry in model.graph.input if entry.name in needed)
    return made


def _read_by(node: Any) -> set[str]:
    """Return the names that a node reads, also inside its nested graphs."""
    names = {name for name in node.input if name}
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                names |= _read_by(inner)
            names |= {output.name for output in graph.output}
    return names


def _without_graph(model: Any) -> Any:
    import onnx

    bare = onnx.ModelProto(ir_version=model.ir_version, producer_name=model.producer_name)
    bare.opset_import.extend(model.opset_import)
    bare.functions.extend(model.functions)
    return bare
