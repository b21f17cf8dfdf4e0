"""Read the graph of an ONNX file: functions inlined, loops and branches as operators of greater depth.

Constants are no operators. An operator that only unpacks constants (DequantizeLinear of stored weights) is one, but
its weights count for the operator that reads them.
"""

import contextlib
import dataclasses
from collections import ChainMap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workers.contracts.errors import InputRefused
from workers.contracts.translation import _
from workers.explain.graph import ModelGraph
from workers.explain.graphs.building import GraphBuilder
from workers.explain.graphs.weights import (
    CHUNK_BYTES,
    TEXT_LENGTH,
    Weight,
    bits_of,
    digests,
    number_type,
    parts_of,
    shortened,
    weight_of_array,
)
from workers.model_io.readers.onnx import check_functions, load_proto
from workers.model_io.readers.onnx_graph import graphs

MOST_NODES = 500_000
MOST_RANK = 64
STRIPPED_FROM_BYTES = 4096
"""Weights from this size on are left out while sizes are derived."""
PACKED = {"MatMulNBits": 4, "GatherBlockQuantized": 4, "MatMulBnb4": 4}
"""Operators whose weights are bytes of several numbers, and their bits where the attribute is not written."""
DATA_FIELDS = ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data")

Scope = ChainMap[str, str]
Known = dict[str, tuple[str, tuple[int | None, ...] | None]]


def read(path: Path) -> ModelGraph:
    """Read the graph of a file.

    Raises:
        InputRefused: the file is damaged, or has far too many operators.
    """
    import onnx.inliner

    model = load_proto(path)
    check_functions(path, model)
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    if sum(len(graph.node) for graph in graphs(model)) > MOST_NODES:
        raise InputRefused(
            "too_many_nodes",
            "The graph is too large to compare",
            _("{0} has more than {1:,} operators.").format(path.name, MOST_NODES),
            "Compare a smaller part of the model.",
        )
    reader = _Reader(path.parent)
    scope: Scope = ChainMap()
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = tuple(value.name for value in model.graph.input if value.name not in stored)
    reader.read(model.graph, scope, 0, "")
    outputs = tuple(scope.get(value.name, value.name) for value in model.graph.output)
    known = _known(model)
    nodes = (
        dataclasses.replace(node, dtype=known[first][0], shape=known[first][1]) if first in known else node
        for node, first in zip(reader.nodes, reader.first, strict=True)
    )
    return ModelGraph(tuple(nodes), inputs, outputs)


class _Reader(GraphBuilder):
    """Collects the operators of a graph and of those inside it; `first` are the file's names of their first outputs.

    Large weights are removed from the graph once they are read.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.first: list[str] = []
        self._folder = folder
        self._files: dict[tuple[str, int, int, int], tuple[str, str]] = {}

    def read(self, graph: Any, scope: Scope, depth: int, above: str) -> None:
        """Append the operators of a graph; `scope` gives the unique names of values that it may read."""
        for tensor in graph.initializer:
            scope[tensor.name] = self.values.unique(tensor.name)
            self.store(scope[tensor.name], [self._weight(tensor)])
        for value in graph.input:
            if value.name not in scope:
                scope[value.name] = self.values.unique(value.name)
        for node in graph.node:
            if node.op_type == "Constant" and node.output:
                tensors = [tensor for entry in node.attribute for tensor in _constants(entry)]
                scope[node.output[0]] = self.values.unique(node.output[0])
                self.store(scope[node.output[0]], [self._weight(tensor) for tensor in tensors])
            else:
                self._node(node, scope, depth, above)

    def _node(self, node: Any, scope: Scope, depth: int, above: str) -> None:
        first = next(filter(None, node.output), "")
        name = self.names.unique(node.name or first or f"{above}{node.op_type}")
        read = [scope.get(one, one) for one in node.input if one]
        inner = [value for entry in node.attribute for value in self._inside(entry, node, scope, depth, name)]
        outputs = tuple(self.values.unique(one) for one in node.output if one)
        scope.update(zip(filter(None, node.output), outputs, strict=True))
        attributes, packed = _attributes(node), ""
        if node.op_type in PACKED:
            packed = f"int{attributes.get('bits', PACKED[node.op_type])}"
        self.add(name, node.op_type, read, outputs, inner=inner, attributes=attributes, packed=packed, depth=depth)
        self.first.append(first)

    def _inside(self, entry: Any, node: Any, scope: Scope, depth: int, name: str) -> Iterator[str]:
        """Read the graphs of an attribute; yield the values that they give."""
        skipped = 1 if node.op_type == "Loop" else 0
        for graph in (*([entry.g] if entry.HasField("g") else []), *entry.graphs):
            own = scope.new_child()
            carried = zip(graph.input[skipped:], node.input[skipped:], strict=False)
            own.update({value.name: scope.get(outer, outer) for value, outer in carried if outer})
            self.read(graph, own, depth + 1, f"{name}/{entry.name}/")
            given = (own[value.name] for value in graph.output if value.name in own)
            yield from (value for value in given if not self.is_stored(value))

    def _weight(self, tensor: Any) -> Weight:
        """Return a tensor's weight; one in a file beside the model is read in parts."""
        from onnx import TensorProto, numpy_helper

        dtype = type_of(tensor.data_type)
        shape = tuple(int(size) for size in tensor.dims[:MOST_RANK])
        if tensor.data_location == TensorProto.EXTERNAL:
            return self._external(tensor, dtype, shape)
        large = tensor.ByteSize() >= STRIPPED_FROM_BYTES
        try:
            if large and tensor.HasField("raw_data"):
                data = tensor.raw_data
                exact, sums = digests(parts_of(data), max(1, bits_of(dtype) // 8))
                return Weight(tensor.name, dtype, shape, len(data), exact, sums)
            if tensor.string_data:
                raise TypeError("texts are no numbers")
            return weight_of_array(tensor.name, dtype, shape, numpy_helper.to_array(tensor))
        except (ValueError, TypeError, MemoryError):  # texts, or sizes that do not fit the bytes
            data = tensor.SerializeToString()
            return Weight(tensor.name, dtype, shape, len(data), *digests([data], 1))
        finally:
            if large:
                for field in DATA_FIELDS:
                    tensor.ClearField(field)

    def _external(self, tensor: Any, dtype: str, shape: tuple[int, ...]) -> Weight:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        path = (self._folder / entries.get("location", "")).resolve()
        if not path.is_relative_to(self._folder.resolve()) or not path.is_file():
            return Weight(tensor.name, dtype, shape, 0, "", "")
        size = path.stat().st_size
        offset = min(max(0, int(entries.get("offset") or 0)), size)
        length = min(max(0, int(entries.get("length") or size)), size - offset)
        key = (str(path), offset, length, max(1, bits_of(dtype) // 8))
        if key not in self._files:
            self._files[key] = digests(_file_parts(path, offset, length), key[-1])
        return Weight(tensor.name, dtype, shape, length, *self._files[key])


def _file_parts(path: Path, offset: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        while length > 0 and (part := file.read(min(CHUNK_BYTES, length))):
            length -= len(part)
            yield part


def _constants(entry: Any) -> list[Any]:
    """Return the tensors in an attribute of a Constant; plain numbers become one."""
    import numpy as np
    from onnx import helper, numpy_helper

    if entry.HasField("t"):
        return [entry.t]
    if entry.HasField("sparse_tensor"):
        return [entry.sparse_tensor.values]
    value = helper.get_attribute_value(entry)
    if isinstance(value, (bytes, str)) or (isinstance(value, list) and value and isinstance(value[0], bytes)):
        return []
    kind = np.int64 if entry.type in (entry.INT, entry.INTS) else np.float32
    return [numpy_helper.from_array(np.array(value, kind), entry.name)]


def _attributes(node: Any) -> dict[str, str]:
    """Return a node's attributes as texts, without tensors and graphs."""
    found = {}
    for entry in node.attribute:
        if entry.type == entry.STRING:
            found[entry.name] = shortened(entry.s[:TEXT_LENGTH].decode("utf-8", "replace"))
        elif entry.type == entry.FLOAT:
            found[entry.name] = f"{entry.f:.6g}"
        elif entry.type == entry.INT:
            found[entry.name] = str(entry.i)
        elif entry.type == entry.INTS:
            found[entry.name] = shortened(list(entry.ints[:100]))
        elif entry.type == entry.FLOATS:
            found[entry.name] = shortened([round(one, 6) for one in entry.floats[:100]])
    return found


def type_of(kind: int) -> str:
    """Return the short name of one of ONNX's number types; "" for an unknown one."""
    from onnx import TensorProto

    return number_type(TensorProto.DataType.Name(kind)) if kind in TensorProto.DataType.values() else ""


def _known(model: Any) -> Known:
    """Return {value's name in the file: (number type, sizes)}; unknown where branches give one name two forms."""
    import onnx
    from google.protobuf.message import EncodeError

    # operators that onnx does not know, or 2 GB of small weights: what the file states is left
    with contextlib.suppress(onnx.shape_inference.InferenceError, RuntimeError, ValueError, EncodeError):
        model = onnx.shape_inference.infer_shapes(model)
    found: Known = {}
    for graph in graphs(model):
        if not hasattr(graph, "value_info"):
            continue
        for value in (*graph.value_info, *graph.output):
            if value.type.WhichOneof("value") != "tensor_type":
                continue
            tensor = value.type.tensor_type
            dims = tuple(dim.dim_value if dim.dim_value > 0 else None for dim in tensor.shape.dim[:MOST_RANK])
            form = (type_of(tensor.elem_type), dims if tensor.HasField("shape") else None)
            found[value.name] = form if found.get(value.name, form) == form else ("", None)
    return found
