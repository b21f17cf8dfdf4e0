"""Casts that change nothing are removed, and islands of 64-bit numbers become 32-bit ones like the rest."""

from typing import Any

import numpy as np

from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.convert.graph import Graph, attribute
from workers.convert.rewriting import rewrite

ID = "cast_cleanup"
TITLE = "Casts removed"

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
"""Types that hold every value of another one."""


class Params(TechniqueParams):
    """Nothing to choose."""


def change(graph: Graph) -> int:
    """One round: 64-bit islands first, then casts to what a tensor is already, then casts there and back."""
    return _narrow_doubles(graph) or _same_type(graph) or _there_and_back(graph)


def _same_type(graph: Graph) -> int:
    """Casts to the type that the tensor has."""
    idle = [node for node in graph.nodes if node.op_type == "Cast" and graph.dtype(node.input[0]) == _to(node)]
    for node in idle:
        _bypass(graph, node, node.input[0])
    return len(idle)


def _there_and_back(graph: Graph) -> int:
    """A cast of a cast whose step in between holds every value: the first one is skipped."""
    count = 0
    for node in list(graph.nodes):
        first = graph.maker.get(node.input[0]) if node.op_type == "Cast" else None
        if first is None or first.op_type != "Cast":
            continue
        source = first.input[0]
        start, between = _name(graph.dtype(source)), _name(_to(first))
        if between in WIDER.get(start, ()):
            graph.set_inputs(node, [source])
            count += 1
    return count


def _narrow_doubles(graph: Graph) -> int:
    """All 64-bit floats inside become 32-bit ones, unless the model takes or gives any."""
    from onnx import TensorProto, numpy_helper

    double, single = TensorProto.DOUBLE, TensorProto.FLOAT
    values = (*graph.proto.graph.input, *graph.proto.graph.output)
    if any(value.type.tensor_type.elem_type == double for value in values) or graph.captured:
        return 0
    count = 0
    for tensor in graph.proto.graph.initializer:
        if tensor.data_type == double:
            value = numpy_helper.to_array(tensor)
            if np.isfinite(value).all() and np.abs(value).max(initial=0) > np.finfo(np.float32).max:
                return 0
            tensor.CopyFrom(numpy_helper.from_array(value.astype(np.float32), tensor.name))
            count += 1
    for node in graph.nodes:
        for entry in node.attribute:
            if node.op_type == "Cast" and entry.name == "to" and entry.i == double:
                entry.i = single
                count += 1
            elif entry.HasField("t") and entry.t.data_type == double:
                entry.t.CopyFrom(
                    numpy_helper.from_array(numpy_helper.to_array(entry.t).astype(np.float32), entry.t.name)
                )
                count += 1
    return count


def _bypass(graph: Graph, node: Any, source: str) -> None:
    """Let everybody who reads the node's output read `source`; an output of the model keeps its name."""
    output = node.output[0]
    if output in graph.outputs | graph.captured:
        graph.remove([node])
        graph.add("Identity", [source], output)
        return
    for user in list(graph.uses[output]):
        user.input[:] = [source if name == output else name for name in user.input]
    graph.remove([node])


def _to(node: Any) -> int:
    return int(attribute(node, "to", 0))


def _name(kind: int | None) -> str:
    from onnx import TensorProto

    return TensorProto.DataType.Name(kind) if kind else ""


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Answers stay the same; checked on inputs."""
    return rewrite(model, ID, TITLE, params, ctx, change, "{count} conversions between kinds of numbers were removed.")


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Removes conversions between kinds of numbers that have no effect. Same answers.",
    source="ONNX operator specification (Cast)",
    params=Params,
    accepts=("onnx",),
    apply=apply,
    requires=("onnx", "onnxruntime"),
    install_hint="pip install onnx onnxruntime",
)
