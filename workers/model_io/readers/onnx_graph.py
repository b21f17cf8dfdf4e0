"""Read the facts of an ONNX graph: inputs, outputs, and weights (initializers, Constant nodes, branches).

Sizes of inputs whose shape the file does not state are derived from the weights of their first layer. The number of
values of an integer input is that of the rows of the table that it indexes.
"""

import math
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workers.contracts.folder import read_model
from workers.contracts.specs import Finding, TensorSpec
from workers.contracts.translation import _
from workers.model_io.facts import Graph, danger, warning
from workers.model_io.words import shown

Shape = tuple[int | None, ...]

QUANTIZED_OPS = frozenset({"QuantizeLinear", "DequantizeLinear", "ConvInteger", "MatMulInteger"})
_QUANTIZED_STARTS = ("QLinear", "QAttention", "QEmbed", "QGemm", "QOrdered", "QMoE", "DynamicQuantize", "MatMulNBits",
                     "MatMulBnb4", "GatherBlockQuantized", "MatMulIntegerToFloat")  # fmt: skip
"""Prefixes of ONNX Runtime's own operators in the domain com.microsoft."""
_FEW_BITS = ("INT8", "UINT8", "INT4", "UINT4")
_WEIGHT_TYPES = ("FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE", *_FEW_BITS)
"""Element types of weights; whole numbers of 32 and 64 bits are shapes and indices."""

_PRECISIONS = {"FLOAT16": "fp16", "BFLOAT16": "bf16", "DOUBLE": "fp64"}


def read_graph(model: Any) -> Graph:
    """Return the facts of `model`, an `onnx.ModelProto` that needs no external data."""
    bytes_ = 0
    by_kind: Counter[str] = Counter()
    for tensor in tensors(model):
        size = math.prod(max(dim, 0) for dim in tensor.dims)
        kind = _type_name(tensor.data_type)
        bytes_ += size * _bits(tensor.data_type) // 8
        by_kind[kind] += size if kind in _WEIGHT_TYPES else 0
    learned = _numbers_of_classic_models(model)
    bytes_ += 4 * learned
    by_kind["FLOAT"] += learned
    quantized = any(n.op_type in QUANTIZED_OPS or n.op_type.startswith(_QUANTIZED_STARTS) for n in nodes(model))
    weights = by_kind.total()
    # weights that are stored in few bits and widened by a Cast before use
    quantized = quantized or 2 * sum(by_kind[kind] for kind in _FEW_BITS) > weights
    most = by_kind.most_common(1)[0][0] if by_kind else "FLOAT"
    precision = "int8" if quantized else _PRECISIONS.get(most, "fp32")
    given = {tensor.name for tensor in model.graph.initializer}
    inputs = tuple(_tensor_spec(value) for value in model.graph.input if value.name not in given)
    return Graph(
        inputs=inputs,
        outputs=tuple(_tensor_spec(value) for value in model.graph.output),
        parameters=weights,
        weight_bytes=bytes_,
        opset=next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), None),
        quantized=quantized,
        precision=precision,
        metadata={entry.key[:200]: entry.value for entry in model.metadata_props if len(entry.value) < 1_000_000},
        findings=_findings(model, inputs, bytes_),
        implied=implied_shapes(model.graph),
    )


def _numbers_of_classic_models(model: Any) -> int:
    """Count the float32 numbers that trees, linear models and vector machines (ai.onnx.ml) hold as attributes."""
    classic = (node for node in nodes(model) if node.domain == "ai.onnx.ml")
    return sum(len(attribute.floats) for node in classic for attribute in node.attribute)


def _findings(model: Any, inputs: tuple[TensorSpec, ...], weight_bytes: int) -> tuple[Finding, ...]:
    found = []
    if not inputs:
        found.append(danger("The model has no input: it always gives the same answer."))
    if not weight_bytes:
        found.append(warning("The model holds no weights: there is nothing in it to make smaller."))
    lacking = [v.name for v in model.graph.output if not _has_shape(v)]
    if lacking:
        found.append(warning(_("The file does not state the shape of {0}.").format(shown(", ".join(lacking)))))
    lacking = [spec.name for spec in inputs if not spec.shape and spec.dtype in ("float32", "float16")]
    if lacking:
        what = _("The file does not state the shape of {0}. Set the size of its input.").format(
            shown(", ".join(lacking))
        )
        found.append(warning(what))
    return tuple(found)


def graphs(model: Any) -> Iterator[Any]:
    """Yield the main graph, the bodies of local functions, and every graph inside If, Loop, Scan."""
    stack = [model.graph, *model.functions]
    while stack:
        graph = stack.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    stack.append(attribute.g)
                stack.extend(attribute.graphs)


def nodes(model: Any) -> Iterator[Any]:
    """Yield all nodes of all graphs."""
    for graph in graphs(model):
        yield from graph.node


def tensors(model: Any) -> Iterator[Any]:
    """Yield all constant tensors: initializers, sparse ones (their values), and those of Constant nodes."""
    for graph in graphs(model):
        if hasattr(graph, "initializer"):
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield sparse.values
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t
                if attribute.HasField("sparse_tensor"):
                    yield attribute.sparse_tensor.values
                yield from attribute.tensors


def _has_shape(value: Any) -> bool:
    return bool(value.type.HasField("tensor_type") and value.type.tensor_type.HasField("shape"))


def _tensor_spec(value: Any) -> TensorSpec:
    """Return name, shape and dtype; for a sequence, map or optional, the dtype is its kind."""
    from onnx import TensorProto, helper

    kind = value.type.WhichOneof("value") or "unknown"
    if kind != "tensor_type":
        return TensorSpec(name=value.name, shape=(), dtype=kind.removesuffix("_type"))
    tensor = value.type.tensor_type
    if tensor.elem_type == TensorProto.STRING:
        dtype = "string"
    elif tensor.elem_type == TensorProto.UNDEFINED or _type_name(tensor.elem_type) == "UNKNOWN":
        dtype = "unknown"
    else:
        dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    return TensorSpec(name=value.name, shape=tuple(_dim(dim) for dim in tensor.shape.dim), dtype=dtype)


def _type_name(number: int) -> str:
    from onnx import TensorProto

    return str(TensorProto.DataType.Name(number)) if number in TensorProto.DataType.values() else "UNKNOWN"


def _bits(number: int) -> int:
    """Return the bits of one number of an element type; 8 for texts and unknown types."""
    import onnx_ir as ir

    try:
        return int(ir.DataType(number).bitwidth)
    except (TypeError, ValueError):
        return 8


def _dim(dim: Any) -> int | str | None:
    """Return a size, the name of a free one, or None; exporters also write -1 and "?" for free sizes."""
    if dim.HasField("dim_value"):
        return int(dim.dim_value) if dim.dim_value > 0 else None
    return shown(dim.dim_param, 60) if dim.dim_param not in ("", "?") else None


def implied_shapes(graph: Any) -> dict[str, Shape]:
    """Return {input name: sizes, None where any fits} for inputs without a shape that a layer with weights reads.

    `graph` is an `onnx.GraphProto`.
    """
    dims = {name: tuple(tensor.dims) for name, tensor in constants_of(graph).items()}
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


def constants_of(graph: Any) -> dict[str, Any]:
    """Return the tensors of a graph by name: initializers and those of Constant nodes."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            tensors[node.output[0]] = node.attribute[0].t
    return tensors


def _read_by(node: Any, weights: tuple[int, ...]) -> Shape | None:
    numbers = {attribute.name: attribute.i for attribute in node.attribute}
    if node.op_type == "Conv":
        return (None, weights[1] * numbers.get("group", 1), *(None for _ in weights[2:]))
    if node.op_type == "MatMul" and len(weights) == 2:
        return (None, weights[0])
    if node.op_type == "Gemm":
        return (None, weights[1 if numbers.get("transB", 0) else 0])
    if node.op_type in ("LSTM", "GRU", "RNN"):
        return (None, None, weights[2])
    return None


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
