"""16-bit brain floating point: half the bits, where the processor has such arithmetic."""

from workers.contracts.planning import Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.convert.asking import finite
from workers.convert.output import new_model, take_files
from workers.infer.processor import NO_BF16

ID = "bf16"
TITLE = "BF16"


class Params(TechniqueParams):
    """Nothing to choose."""


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Only a setting changes; the file keeps its 32-bit weights, so that other processors answer as before.

    These numbers have the range of 32-bit ones, but some masks end just beyond it: examples are asked whether answers
    stay finite, on processors that have the arithmetic.
    """
    ctx.check_cancelled()
    with new_model(model, ID, params, ctx) as output:
        take_files(model, output)
        ctx.check_cancelled()
        changed = finite.with_settings(model, output.folder, {"inference_precision": "bf16"})
        finite.need_finite(model, changed, "openvino", TITLE, ctx)
        output.precision = "bf16"
        output.settings = {"inference_precision": "bf16"}
        output.runtimes = ("openvino",)
        output.notes = ("Computes with 16-bit numbers where the processor has them, with 32-bit numbers elsewhere.",)
    assert output.artifact is not None
    return output.artifact


def why_not(situation: Situation, params: Params) -> Reason | None:
    """For processors that have the arithmetic."""
    return None if "bf16" in situation.fast else Reason(code="no_bf16", text=NO_BF16)


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Computes with 16 bits instead of 32 where the processor can. The file stays as it is.",
    source="A Study of BFLOAT16 for Deep Learning Training, arXiv 1905.12322; OpenVINO, “Precision control”",
    params=Params,
    accepts=("onnx", "openvino-ir"),
    apply=apply,
    traits=("bf16", "speed", "quick", "batches"),
    order=20,
    explanation="Numbers with half the digits, where this processor computes with them directly.",
    why_not=why_not,
    requires=("openvino",),
    install_hint="pip install openvino",
    runtimes=("openvino",),
)
