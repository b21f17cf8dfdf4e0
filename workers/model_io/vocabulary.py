"""Read from the graph how many values an integer input may have: the rows of the table that it indexes."""

from collections import deque
from pathlib import Path
from typing import Any

from workers.contracts.folder import read_model
from workers.model_io.readers.onnx_graph import constants_of

PASS_ON = frozenset(
    {"Cast", "Reshape", "Unsqueeze", "Squeeze", "Identity", "Flatten", "Transpose", "Slice", "Concat", "Clip"}
)
"""Operators that leave the integers unchanged."""


def integer_bounds(model_dir: Path) -> dict[str, int]:
    """Return {input name: number of values} of integer inputs whose table is found; {} for formats other than ONNX."""
    model = read_model(model_dir)
    return table_sizes(model.main) if model.artifact.format == "onnx" else {}


def table_sizes(path: Path) -> dict[str, int]:
    """Return {input name: number of values} of one ONNX file."""
    import onnx

    graph = onnx.load(str(path), load_external_data=False).graph
    integers = {onnx.TensorProto.INT32, onnx.TensorProto.INT64, onnx.TensorProto.INT16, onnx.TensorProto.INT8}
    names = [entry.name for entry in graph.input if entry.type.tensor_type.elem_type in integers]
    constants = constants_of(graph)
    found = {name: _bound(graph, name, constants) for name in names}
    return {name: bound for name, bound in found.items() if bound is not None}


def _bound(graph: Any, name: str, constants: dict[str, Any]) -> int | None:
    """Return the size of the smallest table that `name` indexes: Gather's rows or OneHot's depth."""
    bounds: list[int] = []
    queue, seen = deque([name]), {name}
    while queue:
        current = queue.popleft()
        for node in graph.node:
            if current not in node.input:
                continue
            position = list(node.input).index(current)
            size = _table_size(node, position, constants)
            if size is not None:
                bounds.append(size)
            elif (node.op_type in PASS_ON and position == 0) or node.op_type == "Concat":
                fresh = [output for output in node.output if output not in seen]
                seen.update(fresh)
                queue.extend(fresh)
    return min(bounds) if bounds else None


def _table_size(node: Any, position: int, constants: dict[str, Any]) -> int | None:
    if node.op_type == "Gather" and position == 1 and node.input[0] in constants:
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
        dims = constants[node.input[0]].dims
        return int(dims[axis]) if len(dims) > abs(axis) else None
    if node.op_type == "OneHot" and position == 0 and node.input[1] in constants:
        import onnx.numpy_helper

        return int(onnx.numpy_helper.to_array(constants[node.input[1]]).reshape(-1)[0])
    return None
