"""Quantize to INT8 in the form TensorRT reads: symmetric, per channel, float biases, calibrated ranges."""

from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueSpec
from workers.contracts.translation import mark
from workers.quantize.calibrating.for_cards import CardParams, no_layers, with_pairs
from workers.quantize.calibrating.pairs import INT8

ID = "int8_qdq"
TITLE = mark("INT8 for graphics cards")


def apply(model: Model, params: CardParams, ctx: JobContext) -> ModelArtifact:
    """Insert INT8 pairs before products and convolutions with weights; no range is measured at run time."""
    return with_pairs(ID, TITLE, INT8, model, params, ctx)


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Whole numbers from -127 to 127 in convolutions and products, as TensorRT reads them.",
    source="Integer Quantization for Deep Learning Inference, arXiv 2004.09602; TensorRT, “Explicit Quantization”",
    params=CardParams,
    apply=apply,
    needs_calibration=True,
    explanation="Whole numbers instead of fractions where most of the work is; a quarter of the size.",
    why_not=no_layers,
    runtimes=("tensorrt",),
)
