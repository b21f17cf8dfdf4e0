"""Quantize to INT8 in the form TensorRT reads: symmetric, per channel, float biases, calibrated ranges."""

from pydantic import Field

from workers.contracts.planning import Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueSpec
from workers.quantize import qdq
from workers.quantize.calibrating.for_cards import no_layers, with_pairs
from workers.quantize.calibrating.pairs import INT8

ID = "int8_qdq"
TITLE = "INT8 for graphics cards"


class Params(qdq.RangeParams):
    """Parameters of INT8 for cards: the method that learns the ranges."""

    symmetric: bool = Field(default=True, description="Always: ranges lie around zero.")


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Insert INT8 pairs before products and convolutions with weights; no range is measured at run time."""
    return with_pairs(ID, TITLE, INT8, model, params, ctx)


def why_not(situation: Situation, params: Params) -> Reason | None:
    """Reject models without heavy layers."""
    return no_layers(situation, params)


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Whole numbers from -127 to 127 in convolutions and products, as TensorRT reads them.",
    source="Integer Quantization for Deep Learning Inference, arXiv 2004.09602; TensorRT, “Explicit Quantization”",
    params=Params,
    accepts=("onnx",),
    apply=apply,
    needs_calibration=True,
    explanation="Whole numbers instead of fractions where most of the work is; a quarter of the size.",
    why_not=why_not,
    requires=("onnx", "onnxruntime"),
    install_hint="pip install onnx onnxruntime",
    runtimes=("tensorrt",),
)
