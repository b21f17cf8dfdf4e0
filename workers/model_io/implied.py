"""Derive the sizes of inputs whose shape a file does not state from the weights of their first layer."""

from typing import Any

Shape = tuple[int | None, ...]


def implied_shapes(graph: Any) -> dict[str, Shape]:
    """Return {input name: sizes, None where any fits} for inputs without a shape that a layer with weights reads.

    `graph` is an `onnx.GraphProto`.
    """
    dims = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            dims[node.output[0]] = tuple(node.attribute[0].t.dims)
    unknown = {
        value.name
        for value in graph.input
        if value.type.WhichOneof("value") == "tensor_type" and not value.type.tensor_type.HasField("shape")
    }
    found: dict[str, Shape] = {}
    for node in graph.node:
        name = node.input[0] if node.input else ""
        weights = dims.get(node.input[1]) if len(node.input) > 1 else None
        shape = _read_by(node, weights) if weights and name in unknown else None
        if shape is not None:
            found.setdefault(name, shape)
    return found


def _read_by(node: Any, weights: tuple[int, ...]) -> Shape | None:
    if node.op_type == "Conv":
        groups = next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)
        return (None, weights[1] * groups, *(None for _ in weights[2:]))
    if node.op_type == "MatMul" and len(weights) == 2:
        return (None, weights[0])
    if node.op_type == "Gemm":
        turned = next((attribute.i for attribute in node.attribute if attribute.name == "transB"), 0)
        return (None, weights[1 if turned else 0])
    if node.op_type in ("LSTM", "GRU", "RNN"):
        return (None, None, weights[2])
    return None
