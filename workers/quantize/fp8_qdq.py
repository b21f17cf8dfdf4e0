"""Use FP8 (E4M3) in convolutions and products, for cards that multiply such numbers: GeForce RTX 40 and later."""

from workers.contracts.architectures import with_number
from workers.contracts.planning import Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueSpec
from workers.contracts.translation import mark
from workers.quantize.calibrating.for_cards import CardParams, no_layers, with_pairs
from workers.quantize.calibrating.pairs import FP8

ID = "fp8_qdq"
TITLE = "FP8"
NO_FP8 = Reason(
    code="no_fp8",
    text=mark("FP8 needs a card of compute capability 8.9 (GeForce RTX 40) or newer, and this run has none."),
)


def apply(model: Model, params: CardParams, ctx: JobContext) -> ModelArtifact:
    """Insert FP8 pairs before products and convolutions with weights; most FP8 numbers lie near zero."""
    return with_pairs(ID, TITLE, FP8, model, params, ctx)


def why_not(situation: Situation, params: CardParams) -> Reason | None:
    """Reject cards without FP8 and models without heavy layers."""
    return no_layers(situation, params) if with_number(situation.architectures, "fp8") else NO_FP8


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Fractions of 8 bits in convolutions and products. For GeForce RTX 40 and later cards.",
    source="FP8 Formats for Deep Learning, arXiv 2209.05433; TensorRT, “Explicit Quantization”",
    params=CardParams,
    apply=apply,
    needs_calibration=True,
    explanation="Fractions with a quarter of the digits; small numbers stay finer than with whole ones.",
    why_not=why_not,
    requires=("onnx", "onnxruntime", "ml_dtypes"),
    runtimes=("tensorrt",),
)
