"""Read the facts about a model that the planner needs: from its graph, and the time of one request."""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from workers.contracts.folder import read_model
from workers.contracts.pipeline import PipelineSpec, read_pipeline
from workers.contracts.planning import ModelFacts
from workers.contracts.techniques import Model
from workers.convert.graphs import onnx_files
from workers.convert.inference.calibration import example_feeds
from workers.convert.parts import has_parts, parts_in
from workers.measure.opening import open_session
from workers.measure.requests import load_requests

LIGHT_OPERATORS = frozenset({"Add", "Sub", "Mul", "Div", "Pow", "Sqrt", "Reciprocal", "Exp", "Log", "Tanh", "Erf"})
LIGHT_OPERATORS |= {"Gelu", "Softmax", "LogSoftmax", "ReduceMean", "ReduceSum", "ReduceMax", "LayerNormalization"}
LIGHT_OPERATORS |= {"InstanceNormalization", "GroupNormalization"}
"""Operators that engines do not fold into the preceding product and that suffer most from few digits."""

INT8_OPERATORS = ("QuantizeLinear", "DequantizeLinear", "MatMulInteger", "ConvInteger", "QLinearConv", "MatMulNBits")


def read_facts(folder: Path) -> ModelFacts:
    """Return the facts of the model in `folder`, summed over its parts.

    Raises:
        InputRefused: a file of the model cannot be read.
    """
    model = read_model(folder)
    spec = read_pipeline(folder)
    if model.artifact.format != "onnx":
        return _of_other_format(model, spec)
    parts = [read_model(folder / name) for name in parts_in(folder)] if has_parts(model) else [model]
    protos = [onnx_files.load(part.main, with_data=False) for part in parts]
    counts = [_layers(proto) for proto in protos]
    products, convolutions, depthwise = (sum(kind) for kind in zip(*counts, strict=True))
    quantized = any(onnx_files.count(proto, *INT8_OPERATORS) > 0 for proto in protos)
    return ModelFacts(
        products=products,
        convolutions=convolutions,
        depthwise=depthwise,
        free_sizes=any(size is None for entry in spec.inputs for size in entry.shape),
        branches=any(onnx_files.count(proto, "If") > 0 for proto in protos),
        classic=any(node.domain == "ai.onnx.ml" for proto in protos for node in proto.graph.node),
        constants=tuple(entry.name for entry in spec.inputs if entry.source == "constant"),
        stateful=bool(spec.links),
        has_torch=model.artifact.torch_program is not None,
        precision="int8" if quantized else _precision(protos[0]),
        weight_bytes=sum(size for proto in protos for _, _, size in _weights(proto)),
        nodes=sum(len(graph.node) for proto in protos for graph in onnx_files.graphs(proto.graph)),
        light=sum(onnx_files.count(proto, *LIGHT_OPERATORS) for proto in protos),
        biased=sum(_biased(proto) for proto in protos),
        classes=spec.answer_kind == "class" and not spec.links and _one_by_one(spec),
        masked_texts=_masked_texts(spec),
        smoothable=sum(_smoothable(proto) for proto in protos),
        input_kind=spec.preprocess.kind,
    )


def _of_other_format(model: Model, spec: PipelineSpec) -> ModelFacts:
    """Return facts that need no graph; techniques for such models use no others."""
    return ModelFacts(
        products=1,
        free_sizes=any(size is None for entry in spec.inputs for size in entry.shape),
        stateful=bool(spec.links),
        precision=model.artifact.precision,
        weight_bytes=model.artifact.size_bytes,
        input_kind=spec.preprocess.kind,
        format=model.artifact.format,
        runtime=(model.artifact.runtimes or ("onnxruntime-cpu",))[0],
    )


def _layers(proto: Any) -> tuple[int, int, int]:
    """Return the numbers of products, convolutions, and depthwise convolutions among them."""
    dims = {name: shape for name, shape, _ in _weights(proto)}
    products = convolutions = depthwise = 0
    for graph in onnx_files.graphs(proto.graph):
        for node in graph.node:
            weights = [dims[name] for name in node.input if name in dims]
            if node.op_type in ("MatMul", "Gemm", "LSTM", "GRU", "RNN"):
                products += any(len(shape) >= 2 for shape in weights)
            elif node.op_type in ("Conv", "ConvTranspose") and node.input[1] in dims:
                convolutions += 1
                depthwise += dims[node.input[1]][1] == 1
    return products, convolutions, depthwise


def _biased(proto: Any) -> int:
    dims = {name: shape for name, shape, _ in _weights(proto)}
    total = 0
    for graph in onnx_files.graphs(proto.graph):
        products = {name for node in graph.node if node.op_type == "MatMul" for name in node.output}
        for node in graph.node:
            own = node.op_type in ("Conv", "ConvTranspose", "Gemm") and len(node.input) > 2 and node.input[2] in dims
            added = node.op_type == "Add" and products & set(node.input) and any(name in dims for name in node.input)
            total += bool(own or added or node.op_type == "BatchNormalization")
    return total


def _smoothable(proto: Any) -> int:
    """Count the inputs of products with fixed weights that come from a normalization over the last axis.

    The normalization may be one operator or several. These inputs hold the few large channels of a transformer.
    """
    dims = {name: shape for name, shape, _ in _weights(proto)}
    producers = {name: node for node in proto.graph.node for name in node.output}
    sources = {
        node.input[0]
        for node in proto.graph.node
        if node.op_type in ("MatMul", "Gemm") and len(dims.get(node.input[1], ())) == 2
    }
    return sum(_is_normalized(producers.get(name), producers, dims) for name in sources)


def _is_normalized(node: Any, producers: dict[str, Any], dims: dict[str, tuple[int, ...]]) -> bool:
    """Return whether `node` ends a LayerNormalization; written out, that is (… / deviation) * scale + shift."""
    if node is None or node.op_type == "LayerNormalization":
        return node is not None
    for wanted in ("Add", "Mul"):
        vectors = [name for name in node.input if len(dims.get(name, ())) == 1] if node is not None else []
        if node is None or node.op_type != wanted or len(vectors) != 1:
            return False
        node = next((producers.get(name) for name in node.input if name not in dims), None)
    return node is not None and node.op_type in ("Div", "Mul")


def _one_by_one(spec: PipelineSpec) -> bool:
    """Return whether single rows of a request can be repeated: items lie along the first axis, in any number."""
    batched = [entry for entry in spec.inputs if entry.batched and entry.shape]
    return all(entry.batch_axis == 0 and (entry.shape[0] or 1) == 1 for entry in batched)


def _masked_texts(spec: PipelineSpec) -> bool:
    tokens = [entry for entry in spec.inputs if entry.source in ("input_ids", "attention_mask")]
    free = all(len(entry.shape) == 2 and entry.shape[1] is None for entry in tokens)
    return spec.generation is None and len(tokens) == 2 and free


def _weights(proto: Any) -> Iterator[tuple[str, tuple[int, ...], int]]:
    """Yield name, sizes and bytes of every tensor that is part of the model, wherever its data is stored."""
    import math

    from onnx import helper

    for graph in onnx_files.graphs(proto.graph):
        tensors = [(tensor.name, tensor) for tensor in graph.initializer]
        for node in graph.node:
            if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
                tensors.append((node.output[0], node.attribute[0].t))
        for name, tensor in tensors:
            width = helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
            yield name, tuple(tensor.dims), width * math.prod(tensor.dims)


def _precision(proto: Any) -> str:
    """Return fp16 where most weights are 16-bit numbers, else fp32."""
    from onnx import TensorProto

    counts = {TensorProto.FLOAT: 0, TensorProto.FLOAT16: 0}
    for graph in onnx_files.graphs(proto.graph):
        for tensor in graph.initializer:
            if tensor.data_type in counts:
                counts[tensor.data_type] += 1
    return "fp16" if counts[TensorProto.FLOAT16] > counts[TensorProto.FLOAT] else "fp32"


RUNS = 30


def probe_ms(folder: Path, data_dir: Path | None, threads: int) -> float | None:
    """Return the median milliseconds of a request in ONNX Runtime, with the first test input or zeros.

    Return None where the model does not run on zeros.
    """
    spec = read_pipeline(folder)
    feeds = load_requests(folder, data_dir, limit=1).feed(0) if data_dir else example_feeds(spec)
    session = open_session(folder, "onnxruntime-cpu", {}, threads)
    spans = []
    try:
        for _ in range(RUNS):
            begin = time.perf_counter()
            session.run(feeds)
            spans.append((time.perf_counter() - begin) * 1000)
            if sum(spans) > 500:
                break
    except Exception:  # zeros may be an invalid input; the planner then knows no time
        return None
    finally:
        session.close()
    return median(spans)
