"""A product of one-hot vectors with a table becomes a look-up in that table."""

from typing import Any

import numpy as np

from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.convert.graph import Array, Graph, attribute, ordered
from workers.convert.rewriting import rewrite

ID = "gather_rewrite"
TITLE = "Look-ups instead of one-hot products"
MOST_ROWS = 1 << 17

ELEMENTWISE = frozenset({"Abs", "Add", "Cast", "Ceil", "Clip", "Cos", "Div", "Elu", "Erf", "Exp", "Floor", "Gelu"})
ELEMENTWISE |= {"HardSigmoid", "HardSwish", "LeakyRelu", "Log", "Max", "Min", "Mish", "Mul", "Neg", "Pow", "PRelu"}
ELEMENTWISE |= {"Reciprocal", "Relu", "Selu", "Sigmoid", "Sign", "Sin", "Softplus", "Sqrt", "Sub", "Tanh"}
"""Operators that treat each number by itself: what they make of a table's row is a row of another table."""


class Params(TechniqueParams):
    """Nothing to choose."""


def change(graph: Graph) -> int:
    """Rewrite one product; what follows it number by number is worked out for the whole table beforehand."""
    for product in graph.nodes:
        if product.op_type != "MatMul" or len(product.input) != 2:
            continue
        table = graph.constant(product.input[1])
        if table is None or table.ndim != 2 or len(table) > MOST_ROWS:
            continue
        index = _index_of(graph, product.input[0], len(table))
        if index is None:
            continue
        _replace(graph, product, np.concatenate([table, np.zeros_like(table[:1])]), index)
        return 1
    return 0


def _index_of(graph: Graph, name: str, depth: int) -> str | None:
    """The tensor of row numbers for a one-hot tensor; numbers outside the table become `depth` (a row of zeros)."""
    node = graph.maker.get(name)
    while node is not None and node.op_type in ("Cast", "Identity"):
        node = graph.maker.get(node.input[0])
    if node is None:
        return None
    if node.op_type == "OneHot":
        return _of_one_hot(graph, node, depth)
    if node.op_type == "Equal":
        return _of_equal(graph, node, depth)
    return None


def _of_one_hot(graph: Graph, node: Any, depth: int) -> str | None:
    """OneHot along the last axis with the values 0 and 1; its indices may count from the end."""
    sizes, values = graph.constant(node.input[1]), graph.constant(node.input[2])
    shape = graph.shape(node.input[0])
    last = attribute(node, "axis", -1)
    if sizes is None or values is None or int(sizes.reshape(-1)[0]) != depth or values.reshape(-1).tolist() != [0, 1]:
        return None
    if last != -1 and (shape is None or last != len(shape)):
        return None
    if not _whole(graph, node.input[0]):
        return None
    number = graph.add("Cast", [node.input[0]], to=_int64())
    size, zero = graph.add_constant(np.array(depth)), graph.add_constant(np.array(0))
    from_end = graph.add("Where", [graph.add("Less", [number, zero]), graph.add("Add", [number, size]), number])
    return _inside(graph, from_end, depth)


def _of_equal(graph: Graph, node: Any, depth: int) -> str | None:
    """Equal of (…, 1) with 0, 1, 2, … along the last axis."""
    for side, other in ((0, 1), (1, 0)):
        counting = graph.constant(node.input[side])
        if counting is None or counting.size != depth or counting.shape[-1:] != (depth,):
            continue
        if counting.reshape(-1).tolist() != list(range(depth)) or not _whole(graph, node.input[other]):
            return None
        if last_size(graph, node.input[other]) != 1:
            return None
        number = graph.add("Cast", [node.input[other]], to=_int64())
        flat = graph.add("Squeeze", [number, graph.add_constant(np.array([-1]))])
        return _inside(graph, flat, depth)
    return None


def _inside(graph: Graph, number: str, depth: int) -> str:
    """Row numbers with all that lie outside sent to row `depth`."""
    size, zero = graph.add_constant(np.array(depth)), graph.add_constant(np.array(0))
    low = graph.add("Less", [number, zero])
    high = graph.add("Less", [number, size])
    return graph.add("Where", [graph.add("And", [graph.add("Not", [low]), high]), number, size])


def _whole(graph: Graph, name: str) -> bool:
    """Whether a tensor holds whole numbers: 2.5 equals none of 0, 1, 2, … and would be cut to 2."""
    from onnx import TensorProto

    kinds = (TensorProto.INT32, TensorProto.INT64, TensorProto.UINT8, TensorProto.INT8, TensorProto.INT16)
    return graph.dtype(name) in (*kinds, TensorProto.UINT16, TensorProto.UINT32)


def _int64() -> int:
    from onnx import TensorProto

    return int(TensorProto.INT64)


def last_size(graph: Graph, name: str) -> int | None:
    """The size of a tensor's last axis, also where shape inference loses it behind a computed shape."""
    shape = graph.shape(name)
    if shape and shape[-1] is not None:
        return shape[-1]
    node = graph.maker.get(name)
    if node is None:
        return None
    if node.op_type in ("Cast", "Identity"):
        return last_size(graph, node.input[0])
    if node.op_type == "Reshape":
        return _last_element(graph, node.input[1])
    if node.op_type == "Expand":
        own, wanted = last_size(graph, node.input[0]), _last_element(graph, node.input[1])
        return wanted if own == 1 else own
    return None


def _last_element(graph: Graph, name: str) -> int | None:
    """The last number of a tensor of sizes, if it is a constant."""
    value = graph.constant(name)
    if value is not None:
        return int(value.reshape(-1)[-1]) if value.size else None
    node = graph.maker.get(name)
    if node is None or node.op_type not in ("Cast", "Identity", "Concat"):
        return None
    return _last_element(graph, node.input[-1] if node.op_type == "Concat" else node.input[0])


def _replace(graph: Graph, product: Any, table: Array, index: str) -> None:
    """Look rows up for each tensor at the end of what follows the product number by number."""
    tables = _tables(graph, product, table)
    inner = set(tables)
    ends = [name for name in tables if name in graph.outputs | graph.captured or _leaves(graph, name, inner)]
    graph.remove([graph.maker[name] for name in tables])
    for name in ends:
        graph.add("Gather", [graph.add_constant(tables[name], "table"), index], name, axis=0)


def _leaves(graph: Graph, name: str, inner: set[str]) -> bool:
    """Whether a tensor is used outside of the part that becomes tables."""
    return any(not inner.issuperset(user.output) for user in graph.uses.get(name, []))


def _tables(graph: Graph, product: Any, table: Array) -> dict[str, Array]:
    """{tensor: its value for every row} of the product and of all that depends on it and on constants alone."""
    tables: dict[str, Array] = {product.output[0]: table}
    parts: list[Any] = []
    for node in _following(graph, product):
        known = [name in tables or _one_row(graph.constant(name)) for name in node.input if name]
        if node.op_type in ELEMENTWISE and len(node.output) == 1 and all(known):
            parts.append(node)
            tables[node.output[0]] = table  # its real value comes below
    return {product.output[0]: table} | _values(graph, product.output[0], table, parts)


def _following(graph: Graph, product: Any) -> list[Any]:
    """Nodes after the product, makers before users."""
    found: dict[int, Any] = {}
    waiting = [product.output[0]]
    while waiting:
        for user in graph.uses.get(waiting.pop(), []):
            if id(user) not in found and user.op_type in ELEMENTWISE:
                found[id(user)] = user
                waiting.extend(user.output)
    return ordered(list(found.values()))


def _one_row(value: Array | None) -> bool:
    """Whether a constant is the same for every row of a table."""
    return value is not None and all(size == 1 for size in value.shape[:-1])


def _values(graph: Graph, source: str, table: Array, parts: list[Any]) -> dict[str, Array]:
    """Run `parts` once over the whole table."""
    if not parts:
        return {}
    from onnx import helper

    from workers.infer import onnxruntime_cpu

    names = [node.output[0] for node in parts]
    needed = {name for node in parts for name in node.input if name} - {source, *names}
    weights = [tensor for tensor in graph.proto.graph.initializer if tensor.name in needed]
    kind = helper.np_dtype_to_tensor_dtype(table.dtype)
    rows = helper.make_tensor_value_info(source, kind, list(table.shape))
    ends = [helper.make_empty_tensor_value_info(name) for name in names]
    proto = helper.make_model(
        helper.make_graph(parts, "tables", [rows], ends, weights), opset_imports=graph.proto.opset_import
    )
    proto.ir_version = graph.proto.ir_version
    library = onnxruntime_cpu.import_library()
    options = onnxruntime_cpu.make_options(library, {"graph_optimization": "none"}, 1)
    session = library.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    values = session.run(names, {source: table})
    return {name: value.reshape(len(table), -1) for name, value in zip(names, values, strict=True)}


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Answers stay the same, numbers outside the table included; checked on inputs."""
    words = "{count} products of one-hot vectors with a table were replaced by look-ups."
    return rewrite(model, ID, TITLE, params, ctx, change, words)


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Looks rows of a table up where the model multiplies it by vectors of one 1 and many 0. Same answers.",
    source="ONNX operator specification (OneHot, Gather); pattern of one_hot in JAX and TensorFlow exports",
    params=Params,
    accepts=("onnx",),
    apply=apply,
    requires=("onnx", "onnxruntime"),
    install_hint="pip install onnx onnxruntime",
)
