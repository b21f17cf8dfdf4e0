"""Insert quantization pairs for graphics cards; the INT8 and FP8 techniques share this."""

from typing import Any

import numpy as np
from pydantic import Field

from workers.contracts.planning import IN_8_BITS, Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model
from workers.contracts.translation import _, mark
from workers.convert.graphs import onnx_files
from workers.convert.output import need_onnx, new_model
from workers.quantize import qdq
from workers.quantize.calibrating.pairs import FP8, Kind, insert

RUNTIMES = ("tensorrt", "onnxruntime-cpu", "onnxruntime-cuda")
FP8_LEVEL = "basic"
"""Graph optimization level for FP8; above it ONNX Runtime (1.32, clip_quantizelinear.cc) refuses a Clip before FP8."""

SCOPE = qdq.Scope(heavy_only=True)
NO_LAYERS = Reason(code="no_heavy_layers", text=mark("The model has no convolutions or products with weights."))


class CardParams(qdq.RangeParams):
    """Parameters of 8-bit numbers for cards: the method that learns the ranges."""

    symmetric: bool = Field(default=True, description="Always: ranges lie around zero.")


def with_pairs(
    technique: str, title: str, kind: Kind, model: Model, params: CardParams, ctx: JobContext
) -> ModelArtifact:
    """Learn ranges from examples and insert pairs of QuantizeLinear and DequantizeLinear.

    Raises:
        InputRefused: no layer could be quantized.
    """
    source = need_onnx(model, title)
    reader = qdq.requests(model, ctx, params.examples)
    with new_model(model, technique, params, ctx) as output:
        with qdq.prepared(source, output.folder, title, ctx) as graph, onnx_files.library_call(title, ctx):
            learned = qdq.learn_ranges(graph, reader, params, SCOPE)
            ctx.check_cancelled()
            proto = onnx_files.raise_opset(onnx_files.load(graph.path), kind.opset)
            count = insert(proto, _plain(learned), kind)
            onnx_files.drop_unused(proto)
        if not count:
            raise qdq.nothing_smaller(
                _("The model has no convolutions or matrix products with weights that {0} could be used for.").format(
                    _(title)
                )
            )
        output.save(proto, title)
        output.precision = kind.name
        output.runtimes = RUNTIMES
        if kind == FP8:
            output.settings = {"graph_optimization": FP8_LEVEL}
        output.notes = (
            _("{0} layers compute with {1}; biases and all else keep their numbers.").format(count, _(title)),
        )
    return output.artifact


def _plain(learned: Any) -> dict[str, tuple[float, float]]:
    ranges = {name: one.range_value for name, one in learned.items()}
    return {name: (float(np.min(low)), float(np.max(high))) for name, (low, high) in ranges.items()}


def no_layers(situation: Situation, params: Any) -> Reason | None:
    """Reject models in 8 bits and models without heavy layers."""
    if situation.model.precision == "int8":
        return IN_8_BITS
    return None if situation.model.products or situation.model.convolutions else NO_LAYERS
