"""Replace products of one-hot vectors with a table by look-ups in that table."""

from typing import Any

import numpy as np

from workers.contracts.translation import mark
from workers.convert.graphs.graph import Array, Graph, attribute, maker_of
from workers.convert.rewriting import rewriting

ID = "gather_rewrite"
TITLE = mark("Look-ups instead of one-hot products")
MOST_ROWS = 1 << 17
INT64 = 7
WHOLE = frozenset({2, 3, 4, 5, 6, INT64, 12})
"""ONNX's numbers of integer types (onnx.TensorProto.DataType); 64 bits without a sign do not fit into INT64."""

ELEMENTWISE = frozenset({"Abs", "Add", "Cast", "Ceil", "Clip", "Cos", "Div", "Elu", "Erf", "Exp", "Floor", "Gelu"})
ELEMENTWISE |= {"HardSigmoid", "HardSwish", "LeakyRelu", "Log", "Max", "Min", "Mish", "Mul", "Neg", "Pow", "PRelu"}
ELEMENTWISE |= {"Reciprocal", "Relu", "Selu", "Sigmoid", "Sign", "Sin", "Softplus", "Sqrt", "Sub", "Tanh"}
"""Elementwise operators; applied to a row of a table, they give a row of another table."""


def change(graph: Graph) -> int:
    """Rewrite one product; elementwise operators behind it are computed for the whole table beforehand."""
    for product in graph.nodes:
        if product.op_type != "MatMul":
            continue
        table = graph.constant(product.inputs[1])
        if table is None or table.ndim != 2 or len(table) > MOST_ROWS:
            continue
        index = _index_of(graph, product.inputs[0], len(table))
        if index is None:
            continue
        _replace(graph, product, np.concatenate([table, np.zeros_like(table[:1])]), index)
        return 1
    return 0


def _index_of(graph: Graph, value: Any, depth: int) -> Any | None:
    """Return the row numbers of a one-hot value; numbers outside the table become `depth` (a row of zeros)."""
    while (cast := maker_of(value, "Cast", "Identity")) is not None:
        value = cast.inputs[0]
    node = maker_of(value, "OneHot", "Equal")
    if node is None:
        return None
    return _of_one_hot(graph, node, depth) if node.op_type == "OneHot" else _of_equal(graph, node, depth)


def _of_one_hot(graph: Graph, node: Any, depth: int) -> Any | None:
    """Read a OneHot along the last axis with the values 0 and 1; its indices may count from the end."""
    index, sizes, values = node.inputs[0], graph.constant(node.inputs[1]), graph.constant(node.inputs[2])
    shape = graph.shape(index)
    last = attribute(node, "axis", -1)
    if sizes is None or values is None or int(sizes.reshape(-1)[0]) != depth or values.reshape(-1).tolist() != [0, 1]:
        return None
    if last != -1 and (shape is None or last != len(shape)):
        return None
    if not _whole(graph, index):
        return None
    number = graph.add("Cast", [index], to=INT64)
    size, zero = graph.add_constant(np.array(depth)), graph.add_constant(np.array(0))
    from_end = graph.add("Where", [graph.add("Less", [number, zero]), graph.add("Add", [number, size]), number])
    return _inside(graph, from_end, depth)


def _of_equal(graph: Graph, node: Any, depth: int) -> Any | None:
    """Read an Equal of (…, 1) with 0, 1, 2, … along the last axis."""
    for counts, index in (node.inputs, reversed(node.inputs)):
        counting = graph.constant(counts)
        if counting is None or counting.size != depth or counting.shape[-1:] != (depth,):
            continue
        counts_up = counting.reshape(-1).tolist() == list(range(depth))
        if not counts_up or not _whole(graph, index) or last_size(graph, index) != 1:
            return None
        number = graph.add("Cast", [index], to=INT64)
        flat = graph.add("Squeeze", [number, graph.add_constant(np.array([-1]))])
        return _inside(graph, flat, depth)
    return None


def _inside(graph: Graph, number: Any, depth: int) -> Any:
    """Replace row numbers outside the table by `depth`."""
    size, zero = graph.add_constant(np.array(depth)), graph.add_constant(np.array(0))
    low = graph.add("Less", [number, zero])
    high = graph.add("Less", [number, size])
    return graph.add("Where", [graph.add("And", [graph.add("Not", [low]), high]), number, size])


def _whole(graph: Graph, value: Any) -> bool:
    """Return whether a value has an integer type: 2.5 equals none of 0, 1, 2, … and would become 2."""
    return graph.dtype(value) in WHOLE


def last_size(graph: Graph, value: Any) -> int | None:
    """Return the size of a value's last axis, also where shape inference loses it behind a computed shape."""
    shape = graph.shape(value)
    if shape and shape[-1] is not None:
        return shape[-1]
    node = maker_of(value, "Cast", "Identity", "Reshape", "Expand")
    if node is None:
        return None
    if node.op_type == "Reshape":
        return _last_element(graph, node.inputs[1])
    own = last_size(graph, node.inputs[0])
    if node.op_type == "Expand" and own == 1:
        return _last_element(graph, node.inputs[1])
    return own


def _last_element(graph: Graph, value: Any) -> int | None:
    """Return the last of the sizes if it is a constant."""
    content = graph.constant(value)
    if content is not None:
        return int(content.reshape(-1)[-1]) if content.size else None
    node = maker_of(value, "Cast", "Identity", "Concat")
    return None if node is None else _last_element(graph, node.inputs[-1])


def _replace(graph: Graph, product: Any, table: Array, index: Any) -> None:
    """Add look-ups for every value at the end of the elementwise part behind the product."""
    tables = _tables(graph, product, table)
    inner = {value.producer() for value in tables}
    ends = [value for value in tables if value.is_graph_output() or not inner.issuperset(value.consumers())]
    for value in ends:
        graph.add("Gather", [graph.add_constant(tables[value], "table"), index], value, axis=0)


def _tables(graph: Graph, product: Any, table: Array) -> dict[Any, Array]:
    """Return {value: its content for every row} of the product and of all elementwise results behind it."""
    known = {product.outputs[0]}
    parts: list[Any] = []
    for node in graph.nodes:
        inputs = [value for value in node.inputs if value is not None]
        if node.op_type not in ELEMENTWISE or len(node.outputs) != 1 or known.isdisjoint(inputs):
            continue
        if all(value in known or _one_row(graph.constant(value)) for value in inputs):
            parts.append(node)
            known.add(node.outputs[0])
    return {product.outputs[0]: table} | _contents(graph, product.outputs[0], table, parts)


def _one_row(content: Array | None) -> bool:
    """Return whether a constant is the same for every row of a table."""
    return content is not None and all(size == 1 for size in content.shape[:-1])


def _contents(graph: Graph, source: Any, table: Array, parts: list[Any]) -> dict[Any, Array]:
    """Run `parts` once over the whole table."""
    if not parts:
        return {}
    import onnx_ir as ir
    from onnx import helper

    from workers.infer import onnxruntime_cpu

    values = [node.outputs[0] for node in parts]
    inputs = [value for node in parts for value in node.inputs if value is not None and value.is_initializer()]
    weights = {value.name: value.const_value for value in inputs}
    kind = helper.np_dtype_to_tensor_dtype(table.dtype)
    rows = helper.make_tensor_value_info(source.name, kind, list(table.shape))
    ends = [helper.make_empty_tensor_value_info(value.name) for value in values]
    nodes = [ir.serde.serialize_node(node) for node in parts]
    tensors = [ir.serde.serialize_tensor(tensor) for tensor in weights.values()]
    proto = helper.make_model(
        helper.make_graph(nodes, "tables", [rows], ends, tensors), opset_imports=graph.proto.opset_import
    )
    proto.ir_version = graph.proto.ir_version
    library = onnxruntime_cpu.import_library()
    options = onnxruntime_cpu.make_options(library, {"graph_optimization": "none"}, 1)
    session = library.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    contents = session.run([value.name for value in values], {source.name: table})
    return {value: content.reshape(len(table), -1) for value, content in zip(values, contents, strict=True)}


SPEC = rewriting(
    ID,
    TITLE,
    change,
    mark("{count} products of one-hot vectors with a table were replaced by look-ups."),
    order=1,
    kinds=("OneHot",),
    summary="Looks rows of a table up where the model multiplies it by vectors of one 1 and many 0. Same answers.",
    source="ONNX operator specification (OneHot, Gather); pattern of one_hot in JAX and TensorFlow exports",
)
