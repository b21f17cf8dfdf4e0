"""Quantize to INT8 with QuantizeLinear/DequantizeLinear pairs; all techniques of this kind share these steps.

The order is `prepared`, `learn_ranges`, `insert_pairs`; `quantize` does the last two. ONNX Runtime's quantizer does the
work.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from pydantic import Field

from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import Model, TechniqueParams
from workers.contracts.translation import mark
from workers.convert.graphs import onnx_files
from workers.convert.inference import calibration
from workers.infer.base import Arrays
from workers.quantize.histograms import Histogram

HEAVY = ("Conv", "ConvTranspose", "MatMul", "Gemm")
PRODUCTS = ("MatMul", "Gemm")
ACTIVATIONS = ("Relu", "Clip")
"""Operators that are fused with a quantized layer before them, whose range then ends where they clip."""

STEEP = ("Sqrt", "Reciprocal", "Pow", "Log", "Exp", "Tanh", "Erf")
"""Functions whose results change much with small changes of what they read; `Div` too, in its second input."""

LEAST_STEPS = 16
"""Smallest number of the 256 steps that a value must keep to share one scale with larger values (four bits)."""


class RangeParams(TechniqueParams):
    """Parameters of the ranges of 8-bit numbers."""

    method: Literal["minmax", "entropy", "percentile", "mse"] = Field(
        default="minmax",
        description="minmax: the full range of the examples. entropy: the range that keeps most information. "
        "percentile: all but the largest values. mse: the range with the smallest squared error.",
    )
    percentile: float = Field(
        default=99.99, ge=90, le=100, description="Share of values kept, in percent, for the method percentile."
    )
    per_channel: bool = Field(default=True, description="One scale for each output channel of a weight.")
    symmetric: bool = Field(
        default=False, description="Activations use ranges around zero and signed numbers, as graphics cards require."
    )
    examples: int = Field(default=128, ge=8, le=2000, description="Examples to learn the ranges from, at most.")
    reduce_range: bool = Field(
        default=False, description="Weights use 7 of 8 bits, which avoids overflow on processors without VNNI."
    )


class Int8Params(RangeParams):
    """Parameters of INT8: the method that learns the ranges, and the layers to quantize."""

    layers: Literal["all", "heavy"] = Field(
        default="all",
        description="all: everything that has an 8-bit form. heavy: convolutions and matrix products only.",
    )
    product_outputs: Literal["int8", "float"] = Field(
        default="int8",
        description="Output of matrix products. float: outputs keep 32 bits, only inputs are quantized.",
    )

    @property
    def scope(self) -> "Scope":
        """Return the scope of the quantization."""
        return Scope(heavy_only=self.layers == "heavy", float_products=self.product_outputs == "float")


@dataclass(frozen=True)
class Scope:
    """Scope of a quantization: the operators that are quantized.

    `heavy_only` selects convolutions and products only, `float_products` keeps the results of products in float.
    `inputs_only` rounds the inputs of layers with weights: no results, and no products of two inner values (attention).
    """

    heavy_only: bool = True
    float_products: bool = False
    inputs_only: bool = False

    @property
    def operators(self) -> list[str]:
        """Return the types of operators that are quantized."""
        if self.heavy_only:
            return [*HEAVY, *(() if self.inputs_only else ACTIVATIONS)]
        from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

        return sorted({*QLinearOpsRegistry, *QDQRegistry})


class Reader:
    """A data reader from which ONNX Runtime's calibrators pull their inputs.

    `set_range` limits a calibrator to one example at a time. Collecting all at once would hold every inner value of
    every example in memory.
    """

    def __init__(self, feeds: Iterator[Arrays], count: int) -> None:
        """Wrap `count` inputs."""
        self._feeds, self._count = feeds, count
        self._left = count

    def __len__(self) -> int:
        """Return the number of inputs."""
        return self._count

    def set_range(self, start_index: int, end_index: int) -> None:
        """Allow only as many inputs as the range holds."""
        self._left = end_index - start_index

    def get_next(self) -> Arrays | None:
        """Return the next input, or None at the end of the range."""
        if self._left == 0:
            return None
        self._left -= 1
        return next(self._feeds, None)


@dataclass(frozen=True)
class Prepared:
    """The file of a prepared graph; the weights of a `large` one lie in a separate file."""

    path: Path
    large: bool


@contextlib.contextmanager
def prepared(source: Path, folder: Path, title: str, ctx: JobContext) -> Iterator[Prepared]:
    """Fold constants, raise the operator set and infer shapes; the result is in `folder` while the block runs."""
    import onnx

    target, folded = folder / "prepared.onnx", folder / "folded.onnx"
    with onnx_files.library_call(title, ctx):
        onnx_files.start(source, "basic", save_to=folded)
    proto = onnx_files.load(folded)
    onnx_files.remove(folded)
    ctx.check_cancelled()
    onnx_files.lift_constants(proto)
    onnx_files.flatten_biases(proto)
    name_nodes(proto)
    name_shared_biases(proto)
    proto = onnx_files.raise_opset(proto, 13)
    large = len(onnx_files.save(proto, target)) > 1
    with onnx_files.library_call(title, ctx):
        onnx.shape_inference.infer_shapes_path(str(target), str(target))
    yield Prepared(target, large)
    onnx_files.remove(target)


def load_named(path: Path) -> Any:
    """Load a model with all constants as initializers and a unique name for every node."""
    proto = onnx_files.load(path)
    onnx_files.lift_constants(proto)
    name_nodes(proto)
    return proto


def name_nodes(proto: Any) -> None:
    """Give every node a unique name, because layers are chosen by name."""
    seen: set[str] = set()
    for graph in onnx_files.graphs(proto.graph):
        for number, node in enumerate(graph.node):
            if not node.name or node.name in seen:
                node.name = f"{node.op_type}_{number}_{len(seen)}"
            seen.add(node.name)


def name_shared_biases(proto: Any) -> None:
    """End the name of each bias that several operators share with a letter instead of a number.

    ONNX Runtime's quantizer (1.32) copies such a bias and appends a number to its name. PyTorch's exporter names all
    values by numbers, so that a copy of `val_35` received the name of `val_3594` and the quantizer failed.
    """
    biases = Counter(node.input[2] for node in proto.graph.node if len(node.input) > 2)
    ends = {value.name for graph in onnx_files.graphs(proto.graph) for value in (*graph.input, *graph.output)}
    shared = {tensor.name for tensor in proto.graph.initializer if biases[tensor.name] > 1} - ends
    for graph in onnx_files.graphs(proto.graph):
        for tensor in graph.initializer:
            tensor.name += "_shared" * (tensor.name in shared)
        for node in graph.node:
            node.input[:] = [f"{name}_shared" if name in shared else name for name in node.input]


def requests(model: Model, ctx: JobContext, examples: int) -> Reader:
    """Return a reader of at most `examples` calibration inputs.

    Raises:
        InputRefused: there are no calibration inputs.
    """
    total = calibration.count_requests(model, ctx, examples)
    return Reader(calibration.requests(model, ctx, total), total)


def quantize(graph: Prepared, target: Path, reader: Reader, params: RangeParams, scope: Scope, ctx: JobContext) -> None:
    """Write the model with the ranges that its inner values have over all inputs of `reader`.

    Raises:
        InputRefused: nothing was quantized.
    """
    ranges = learn_ranges(graph, reader, params, scope)
    ctx.check_cancelled()
    insert_pairs(graph, target, ranges, params, scope)
    need_pairs(target)


def learn_ranges(graph: Prepared, reader: Reader, params: RangeParams, scope: Scope) -> Any:
    """Return the range of each inner value over all inputs of `reader`, as ONNX Runtime's `TensorsData`."""
    if params.method == "mse":
        histograms = collect(graph, reader, scope)
        return ranges_of({name: one.least_error(params.symmetric) for name, one in histograms.items()})
    from onnxruntime.quantization.calibrate import CalibrationMethod

    names = {"minmax": "MinMax", "entropy": "Entropy", "percentile": "Percentile"}
    method = CalibrationMethod[names[params.method]]
    options = {"percentile": params.percentile} if params.method == "percentile" else {}
    with _calibrator(graph, method, scope, options) as calibrator:
        for start in range(len(reader)):
            reader.set_range(start, start + 1)
            calibrator.collect_data(reader)
        return calibrator.compute_data()


def collect(graph: Prepared, reader: Reader, scope: Scope) -> dict[str, Histogram]:
    """Return a histogram of each inner value that is quantized, over all inputs of `reader`."""
    from onnxruntime.quantization.calibrate import CalibrationMethod

    histograms: dict[str, Histogram] = {}
    with _calibrator(graph, CalibrationMethod.Percentile, scope, {}) as calibrator:
        names = sorted(calibrator.tensors_to_calibrate)
        inputs = {entry.name for entry in calibrator.infer_session.get_inputs()}
        requested = [name for name in names if name not in inputs]
        while (feeds := reader.get_next()) is not None:
            values = dict(zip(requested, calibrator.infer_session.run(requested, feeds), strict=True))
            for name in names:
                histograms.setdefault(name, Histogram()).add(values[name] if name in values else feeds[name])
    return histograms


def ranges_of(ends: Mapping[str, tuple[float, float]]) -> Any:
    """Return the ranges as ONNX Runtime's `TensorsData`."""
    from onnxruntime.quantization.calibrate import CalibrationMethod, TensorsData

    return TensorsData(
        CalibrationMethod.MinMax,
        {name: (np.array(low, np.float32), np.array(high, np.float32)) for name, (low, high) in ends.items()},
    )


@contextlib.contextmanager
def _calibrator(graph: Prepared, method: Any, scope: Scope, options: dict[str, Any]) -> Iterator[Any]:
    """Open ONNX Runtime's calibrator on the prepared model and delete its temporary file at the end."""
    from onnxruntime.quantization.calibrate import create_calibrator

    # A separate folder, because onnx chooses a random name for the weights file.
    with TemporaryDirectory(dir=graph.path.parent, prefix="augmented-") as folder:
        calibrator = create_calibrator(
            graph.path,
            scope.operators,
            augmented_model_path=str(Path(folder) / "augmented.onnx"),
            calibrate_method=method,
            use_external_data_format=graph.large,
            extra_options=options,
        )
        yield calibrator
        calibrator.infer_session = None  # the session holds the file open


def insert_pairs(graph: Prepared, target: Path, ranges: Any, params: RangeParams, scope: Scope) -> None:
    """Write the quantized model."""
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
    from onnxruntime.quantization.quant_utils import load_model_with_shape_infer

    options: dict[str, Any] = {}
    if params.symmetric:
        options["ActivationSymmetric"] = True
    if scope.float_products or scope.inputs_only:
        options["OpTypesToExcludeOutputQuantization"] = list(HEAVY if scope.inputs_only else PRODUCTS)
    model = load_model_with_shape_infer(graph.path)
    # ONNX Runtime's own option for this (MatMulConstBOnly) has no effect on pairs (1.32).
    left_out = {*_unlike_joined(model, ranges), *_before_steep(model)}
    left_out.update(_without_weights(model) if scope.inputs_only else ())
    quantizer = QDQQuantizer(
        model,
        params.per_channel,
        params.reduce_range,
        QuantType.QInt8,
        QuantType.QInt8 if params.symmetric else QuantType.QUInt8,
        ranges,
        [],
        sorted(left_out),
        scope.operators,
        options,
    )
    quantizer.quantize_model()
    quantizer.model.save_model_to_file(str(target), graph.large)


def _unlike_joined(proto: Any, ranges: Any) -> Iterator[str]:
    """Yield the names of Concat nodes that would leave an input fewer than `LEAST_STEPS` of the 256 steps.

    A detector's scores in one tensor with box positions would become 0 or .6 (meituan/YOLOv6#969).
    """
    from onnx import numpy_helper

    fixed = {tensor.name: tensor for tensor in proto.graph.initializer}
    for node in proto.graph.node:
        if node.op_type != "Concat":
            continue
        known = [ranges[name].range_value for name in node.input if name in ranges]
        known += [(numpy_helper.to_array(fixed[name]),) * 2 for name in node.input if name in fixed]
        spans = [float(max(np.max(high, initial=0), 0) - min(np.min(low, initial=0), 0)) for low, high in known]
        if max(spans, default=0.0) * LEAST_STEPS > 256 * min((one for one in spans if one > 0), default=np.inf):
            yield node.name


def _before_steep(proto: Any) -> set[str]:
    """Return the names of the nodes between the last layer and a steep function that reads their results.

    A normalization or an activation written with single operators divides by small numbers or takes cubes: with 256
    steps, magika kept 20 % of its classes, and 98 % without these nodes.
    """
    makers = {name: node for node in proto.graph.node for name in node.output}
    reached = [name for node in proto.graph.node if node.op_type in STEEP for name in node.input]
    reached += [node.input[1] for node in proto.graph.node if node.op_type == "Div"]
    found: set[str] = set()
    while reached:
        node = makers.get(reached.pop())
        if node is not None and node.op_type not in HEAVY and node.name not in found:
            found.add(node.name)
            reached += node.input
    return found


def _without_weights(proto: Any) -> Iterator[str]:
    """Yield the names of products of two inner values."""
    weights = {tensor.name for tensor in proto.graph.initializer}
    for node in proto.graph.node:
        if node.op_type in PRODUCTS and not weights.intersection(node.input[:2]):
            yield node.name


def need_pairs(path: Path) -> None:
    """Check that the model holds quantized values.

    Raises:
        InputRefused: nothing was quantized.
    """
    if not onnx_files.count(onnx_files.load(path), "QuantizeLinear"):
        raise nothing_smaller(mark("The model has no layers with an 8-bit form."))


def nothing_smaller(detail: str, hint: str = mark("Try 16-bit numbers instead.")) -> InputRefused:
    """Return the error of a technique that finds nothing to quantize."""
    return InputRefused("nothing_to_quantize", "There is nothing to make smaller this way", detail, hint)


def nothing_to_convert() -> InputRefused:
    """Return the error of a conversion to 16 bits that finds no 32-bit weights."""
    return InputRefused(
        "nothing_to_convert",
        "There is nothing to make smaller this way",
        "The model holds next to no weights as 32-bit numbers.",
        "Leave this step out.",
    )
