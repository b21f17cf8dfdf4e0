"""Insert quantization pairs for graphics cards; the INT8 and FP8 techniques share this."""

from typing import Any

import numpy as np

from workers.contracts.errors import InputRefused
from workers.contracts.planning import IN_8_BITS, Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model
from workers.convert.graphs import onnx_files
from workers.convert.output import MODEL_FILE, need_onnx, new_model
from workers.quantize import qdq
from workers.quantize.calibrating.pairs import FP8, Kind, insert

RUNTIMES = ("tensorrt", "onnxruntime-cpu", "onnxruntime-cuda")
FP8_LEVEL = "basic"
"""Graph optimization level for FP8; above it ONNX Runtime (1.32, clip_quantizelinear.cc) refuses a Clip before FP8."""

SCOPE = qdq.Scope(heavy_only=True)
NO_LAYERS = Reason(code="no_heavy_layers", text="The model has no convolutions or products with weights.")


def with_pairs(
    technique: str, title: str, kind: Kind, model: Model, params: qdq.RangeParams, ctx: JobContext
) -> ModelArtifact:
    """Learn ranges from examples and insert pairs of QuantizeLinear and DequantizeLinear.

    Raises:
        InputRefused: no layer could be quantized.
    """
    source = need_onnx(model, title)
    reader = qdq.requests(model, ctx, params.examples)
    ctx.check_cancelled()
    with new_model(model, technique, params, ctx) as output:
        prepared = output.folder / "prepared.onnx"
        large = qdq.prepare(source, prepared, title, ctx)
        ctx.check_cancelled()
        target = output.folder / MODEL_FILE
        with onnx_files.library_call(title, ctx.log):
            learned = qdq.learn_ranges(prepared, reader, params, SCOPE, large)
            ctx.check_cancelled()
            proto = onnx_files.raise_opset(onnx_files.load(prepared), kind.opset)
            count = insert(proto, _plain(learned), kind)
            onnx_files.drop_unused(proto)
        qdq.remove(prepared)
        ctx.check_cancelled()
        if not count:
            raise _nothing(title)
        output.files = onnx_files.save(proto, target)
        onnx_files.check_opens(target, title)
        output.precision = kind.name
        output.runtimes = RUNTIMES
        if kind == FP8:
            output.settings = {"graph_optimization": FP8_LEVEL}
        output.notes = (f"{count} layers compute with {title}; biases and all else keep their numbers.",)
    assert output.artifact is not None
    return output.artifact


def _plain(learned: Any) -> dict[str, tuple[float, float]]:
    found = {}
    for name, one in learned.items():
        low, high = one.range_value
        found[name] = (float(np.min(low)), float(np.max(high)))
    return found


def _nothing(title: str) -> InputRefused:
    return InputRefused(
        "nothing_to_quantize",
        "There is nothing to make smaller this way",
        f"The model has no convolutions or matrix products with weights that {title} could be used for.",
        "Try 16-bit numbers instead.",
    )


def no_layers(situation: Situation, params: Any) -> Reason | None:
    """Reject models in 8 bits and models without heavy layers."""
    if situation.model.precision == "int8":
        return IN_8_BITS
    return None if situation.model.products or situation.model.convolutions else NO_LAYERS
