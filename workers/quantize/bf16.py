"""Compute with 16-bit brain floating point (BF16) on processors that support it."""

from workers.contracts.planning import Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import mark
from workers.convert.inference import finite
from workers.convert.output import new_model, take_files
from workers.infer.processor import NO_BF16

ID = "bf16"
TITLE = "BF16"


def apply(model: Model, params: TechniqueParams, ctx: JobContext) -> ModelArtifact:
    """Set the inference precision to BF16; the file keeps its 32-bit weights, so other processors predict as before.

    BF16 has the range of 32-bit numbers, but some masks end just beyond it. On processors with BF16, calibration
    examples therefore check that predictions stay finite.
    """
    with new_model(model, ID, params, ctx) as output:
        take_files(model, output)
        ctx.check_cancelled()
        changed = finite.with_settings(model, output.folder, {"inference_precision": "bf16"})
        finite.need_finite(model, changed, "openvino", TITLE, ctx)
        output.precision = "bf16"
        output.settings = {"inference_precision": "bf16"}
        output.runtimes = ("openvino",)
        output.notes = (
            mark("Computes with 16-bit numbers where the processor has them, with 32-bit numbers elsewhere."),
        )
    return output.artifact


def why_not(situation: Situation, params: TechniqueParams) -> Reason | None:
    """Reject processors without BF16 arithmetic."""
    return None if "bf16" in situation.fast else Reason(code="no_bf16", text=NO_BF16)


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Computes with 16 bits instead of 32 where the processor can. The file stays as it is.",
    source="A Study of BFLOAT16 for Deep Learning Training, arXiv 1905.12322; OpenVINO, “Precision control”",
    accepts=("onnx", "openvino-ir"),
    apply=apply,
    traits=("bf16", "speed", "quick", "batches"),
    order=20,
    explanation="Numbers with half the digits, where this processor computes with them directly.",
    why_not=why_not,
    requires=("openvino",),
    runtimes=("openvino",),
)
