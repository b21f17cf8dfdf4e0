"""Read the facts of an ONNX graph: inputs, outputs, and weights (initializers, Constant nodes, branches)."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from workers.contracts.specs import Finding, TensorSpec
from workers.model_io.facts import Graph, danger, warning
from workers.model_io.implied import implied_shapes
from workers.model_io.words import shown

QUANTIZED_OPS = frozenset(
    [
        "QuantizeLinear",
        "DequantizeLinear",
        "DynamicQuantizeLinear",
        "ConvInteger",
        "MatMulInteger",
        "QLinearConv",
        "QLinearMatMul",
    ]
)
_QUANTIZED_STARTS = ("QLinear", "QAttention", "QEmbed", "QGemm", "QOrdered", "QMoE", "DynamicQuantize", "MatMulNBits",
                     "MatMulBnb4", "GatherBlockQuantized", "MatMulIntegerToFloat")  # fmt: skip
"""Prefixes of ONNX Runtime's own operators in the domain com.microsoft."""
_FEW_BITS = ("INT8", "UINT8", "INT4", "UINT4")
# element types of weights; whole numbers of 32 and 64 bits are shapes and indices
_WEIGHT_TYPES = frozenset(["FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE", "INT8", "UINT8", "INT4", "UINT4"])
_PRECISIONS = {"FLOAT16": "fp16", "BFLOAT16": "bf16", "DOUBLE": "fp64"}


def read_graph(model: Any) -> Graph:
    """Return the facts of `model`, an `onnx.ModelProto` that needs no external data."""
    bytes_ = 0
    by_kind: Counter[str] = Counter()
    quantized = False
    for tensor in tensors(model):
        size = _size(tensor)
        kind = _type_name(tensor.data_type)
        bytes_ += size * _item_bits(kind) // 8
        by_kind[kind] += size if kind in _WEIGHT_TYPES else 0
    for node in nodes(model):
        quantized = quantized or node.op_type in QUANTIZED_OPS or node.op_type.startswith(_QUANTIZED_STARTS)
    weights = by_kind.total()
    # weights that are stored in few bits and widened by a Cast before use
    quantized = quantized or 2 * sum(by_kind[kind] for kind in _FEW_BITS) > weights
    most = by_kind.most_common(1)[0][0] if by_kind else "FLOAT"
    precision = "int8" if quantized else _PRECISIONS.get(most, "fp32")
    given = {tensor.name for tensor in model.graph.initializer}
    inputs = tuple(_tensor_spec(value) for value in model.graph.input if value.name not in given)
    outputs = tuple(_tensor_spec(value) for value in model.graph.output)
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), None)
    metadata = {entry.key[:200]: entry.value for entry in model.metadata_props if len(entry.value) < 1_000_000}
    return Graph(
        inputs=inputs,
        outputs=outputs,
        parameters=weights,
        weight_bytes=bytes_,
        opset=opset,
        quantized=quantized,
        precision=precision,
        metadata=metadata,
        findings=_findings(model, inputs, outputs, bytes_),
        implied=implied_shapes(model.graph),
    )


def _findings(
    model: Any, inputs: tuple[TensorSpec, ...], outputs: tuple[TensorSpec, ...], weight_bytes: int
) -> tuple[Finding, ...]:
    found = []
    if not inputs:
        found.append(danger("The model has no input: it always gives the same answer."))
    if not weight_bytes:
        found.append(warning("The model holds no weights: there is nothing in it to make smaller."))
    lacking = [v.name for v in model.graph.output if not _has_shape(v)]
    if lacking:
        found.append(warning(f"The file does not say the shape of {shown(', '.join(lacking))}."))
    lacking = [spec.name for spec in inputs if not spec.shape and spec.dtype in ("float32", "float16")]
    if lacking:
        what = f"The file does not say the shape of {shown(', '.join(lacking))}: set the size of its input."
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


def _size(tensor: Any) -> int:
    size = 1
    for dim in tensor.dims:
        size *= max(dim, 0)
    return size


def _item_bits(kind: str) -> int:
    if kind in ("INT4", "UINT4", "FLOAT4E2M1"):
        return 4
    if kind in ("INT8", "UINT8", "BOOL", "STRING") or kind.startswith("FLOAT8"):
        return 8
    if kind in ("FLOAT16", "BFLOAT16", "INT16", "UINT16"):
        return 16
    return 64 if kind in ("DOUBLE", "INT64", "UINT64", "COMPLEX64") else 32


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


def _dim(dim: Any) -> int | str | None:
    """Return a size, the name of a free one, or None; exporters also write -1 and "?" for free sizes."""
    if dim.HasField("dim_value"):
        return int(dim.dim_value) if dim.dim_value > 0 else None
    return shown(dim.dim_param, 60) if dim.dim_param not in ("", "?") else None
