"""INT8 weights and activations, their ranges learned from examples beforehand."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from workers.contracts.context import JobContext
from workers.contracts.errors import InputRefused
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.convert import onnx_files
from workers.convert.output import MODEL_FILE, need_onnx, new_model
from workers.quantize import calibration

if TYPE_CHECKING:
    from workers.contracts.context import Feeds

ID = "int8_static"
TITLE = "INT8, all layers"
HEAVY = ("Conv", "ConvTranspose", "MatMul", "Gemm")


class Params(TechniqueParams):
    """How ranges are found, and which layers are quantized."""

    method: Literal["minmax", "entropy", "percentile"] = Field(
        default="minmax",
        description="minmax: the full range of the examples. entropy: the range that keeps most information. "
        "percentile: all but the largest values.",
    )
    percentile: float = Field(
        default=99.99, ge=90, le=100, description="Share of values kept, in percent, for the method percentile."
    )
    per_channel: bool = Field(default=True, description="One scale for each output channel of a weight.")
    layers: Literal["all", "heavy"] = Field(
        default="all",
        description="all: everything that has an 8-bit form. heavy: convolutions and matrix products only.",
    )
    examples: int = Field(default=128, ge=8, le=2000, description="Examples to learn the ranges from, at most.")
    reduce_range: bool = Field(
        default=False,
        description="Weights use 7 of 8 bits, which avoids overflow on processors without VNNI.",
    )


class Reader:
    """What ONNX Runtime's calibrators pull their inputs from.

    `set_range` lets them ask for one example at a time: collecting them all at once would hold every inner value
    of every example in memory.
    """

    def __init__(self, feeds: "Iterator[Feeds]", count: int) -> None:
        self._feeds, self._count = feeds, count
        self._left = count

    def __len__(self) -> int:
        return self._count

    def set_range(self, start_index: int, end_index: int) -> None:
        self._left = end_index - start_index

    def get_next(self) -> "Feeds | None":
        if self._left == 0:
            return None
        self._left -= 1
        return next(self._feeds, None)


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Fold and infer shapes, collect ranges in a stream, insert QuantizeLinear/DequantizeLinear pairs."""
    source = need_onnx(model, TITLE)
    total = calibration.count_requests(model, ctx, params.examples)
    ctx.check_cancelled()
    with new_model(model, ID, params, ctx) as output:
        prepared = output.folder / "prepared.onnx"
        large = _prepare(source, prepared, ctx)
        ctx.check_cancelled()
        target = output.folder / MODEL_FILE
        reader = Reader(calibration.requests(model, ctx, total), total)
        with onnx_files.library_call(TITLE, ctx.log):
            _quantize(prepared, target, reader, params, large)
        for name in onnx_files.written(prepared):
            (output.folder / name).unlink()
        ctx.check_cancelled()
        if not onnx_files.count(onnx_files.load(target), "QuantizeLinear"):
            raise InputRefused(
                "nothing_to_quantize",
                "There is nothing to make smaller this way",
                "The model has no layers with an 8-bit form.",
                "Try 16-bit numbers instead.",
            )
        onnx_files.check_opens(target, TITLE)
        output.files = onnx_files.written(target)
        output.precision = "int8"
    assert output.artifact is not None
    return output.artifact


def _prepare(source: Path, target: Path, ctx: JobContext) -> bool:
    """Constants folded, operator set raised, shapes inferred; whether the weights lie in a file of their own."""
    import onnx

    folded = target.with_name("folded.onnx")
    with onnx_files.library_call(TITLE, ctx.log):
        onnx_files.start(source, "basic", save_to=folded)
    proto = onnx_files.load(folded)
    for name in onnx_files.written(folded):
        (folded.parent / name).unlink()
    ctx.check_cancelled()
    onnx_files.lift_constants(proto)
    onnx_files.flatten_biases(proto)
    proto = onnx_files.raise_opset(proto, 13)
    large = len(onnx_files.save(proto, target)) > 1
    with onnx_files.library_call(TITLE, ctx.log):
        onnx.shape_inference.infer_shapes_path(str(target), str(target))
    return large


def _quantize(source: Path, target: Path, reader: Reader, params: Params, large: bool) -> None:
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    method = {
        "minmax": CalibrationMethod.MinMax,
        "entropy": CalibrationMethod.Entropy,
        "percentile": CalibrationMethod.Percentile,
    }[params.method]
    options: dict[str, Any] = {}
    if params.method != "minmax":
        options["CalibStridedMinMax"] = 1
    if params.method == "percentile":
        options["CalibPercentile"] = params.percentile
    quantize_static(
        str(source),
        str(target),
        reader,
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=None if params.layers == "all" else list(HEAVY),
        per_channel=params.per_channel,
        reduce_range=params.reduce_range,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        use_external_data_format=large,
        calibrate_method=method,
        extra_options=options,
    )


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Stores and computes in 8 bits, with ranges learned from your examples.",
    source="Quantization and Training of Neural Networks for Integer-Arithmetic-Only Inference, arXiv 1712.05877; "
    "ONNX Runtime, “Quantize ONNX models”",
    params=Params,
    accepts=("onnx",),
    apply=apply,
    needs_calibration=True,
    requires=("onnx", "onnxruntime"),
    install_hint="pip install onnx onnxruntime",
    runtimes=("onnxruntime-cpu", "openvino", "onnxruntime-cuda"),
)
