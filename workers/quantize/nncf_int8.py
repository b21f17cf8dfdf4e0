"""Quantize to INT8 with OpenVINO's own tool (NNCF); whether it or our quantizer is closer depends on the model."""

import logging
import sys
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _, mark
from workers.convert.graphs import onnx_files
from workers.convert.inference import calibration
from workers.convert.output import need_onnx, new_model
from workers.infer.base import Arrays
from workers.quantize import eight_bits, qdq
from workers.quantize.calibrating import one_sided

ID = "nncf_int8"
TITLE = mark("INT8 by NNCF")
BRANCHING = ("If", "Loop", "Scan")


class Params(TechniqueParams):
    """Options of NNCF; all others keep the defaults of its documentation."""

    preset: Literal["performance", "mixed"] = Field(
        default="performance",
        description="performance: ranges around zero everywhere. mixed: inner values have ranges of their own, which "
        "suits activations that are not symmetric.",
    )
    transformer: bool = Field(
        default=False,
        description="The model is a transformer: attention is rounded with care, and activations are smoothed.",
    )
    fast_correction: bool = Field(
        default=True, description="Biases are corrected by a fast estimate; otherwise layer by layer, which takes long."
    )
    examples: int = Field(default=128, ge=8, le=2000, description="Examples to learn the ranges from, at most.")


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Run NNCF's post-training quantization on the ONNX graph; its output goes to the log."""
    source = need_onnx(model, TITLE)
    total = calibration.count_requests(model, ctx, params.examples)
    with new_model(model, ID, params, ctx) as output:
        with qdq.prepared(source, output.folder, TITLE, ctx) as graph, onnx_files.library_call(TITLE, ctx):
            examples = _Examples(model, ctx, total)
            proto = _quantize(_readable(onnx_files.load(graph.path)), examples, params)
        qdq.need_pairs(output.save(proto, TITLE))
        output.precision = "int8"
        output.notes = (*one_sided.notes(model, ctx), *eight_bits.overflow_notes(reduce_range=False))
    return output.artifact


def _readable(proto: Any) -> Any:
    """Return the graph unchanged if NNCF (3.4) can read it.

    Raises:
        InputRefused: the graph holds branches or loops.
    """
    if onnx_files.count(proto, *BRANCHING):
        raise InputRefused(
            "branches",
            _("{0} does not read this model").format(_(TITLE)),
            "It contains branches or loops, which NNCF cannot read.",
            "Simplify the model first (graph_optimize), or choose Fettle's own INT8.",
        )
    return proto


class _Examples:
    """Calibration inputs that NNCF iterates, possibly several times, each time from the start."""

    def __init__(self, model: Model, ctx: JobContext, total: int) -> None:
        self._model, self._ctx, self._total = model, ctx, total

    def __iter__(self) -> Iterator[Arrays]:
        return calibration.requests(self._model, self._ctx, self._total)

    def __len__(self) -> int:
        return self._total


def _quantize(proto: Any, examples: _Examples, params: Params) -> Any:
    nncf = _import_library()
    return nncf.quantize(
        proto,
        nncf.Dataset(examples),
        preset=nncf.QuantizationPreset(params.preset),
        subset_size=len(examples),
        fast_bias_correction=params.fast_correction,
        model_type=nncf.ModelType.TRANSFORMER if params.transformer else None,
    )


def _import_library() -> Any:
    """Import `nncf` without its log and without the telemetry package with which it and OpenVINO contact a server."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    from workers.infer import onnxruntime_cpu

    onnxruntime_cpu.import_library()
    import nncf

    nncf.set_log_level(logging.ERROR)
    return nncf


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="8 bits as OpenVINO's own tool makes them, with ranges learned from your examples and corrected biases.",
    source="Neural Network Compression Framework for fast model inference, arXiv 2002.08679; NNCF, “Post-training "
    "quantization”",
    params=Params,
    apply=apply,
    needs_calibration=True,
    traits=("int8", "speed", "size", "batches"),
    order=55,
    explanation="OpenVINO's own way to whole numbers. Which one changes fewer answers differs from model to model.",
    why_not=eight_bits.why_not,
    requires=("nncf",),
    runtimes=("onnxruntime-cpu", "openvino"),
)
