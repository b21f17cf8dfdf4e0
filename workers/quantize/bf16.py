"""16-bit brain floating point: half the bits, where the processor has such arithmetic."""

from workers.contracts.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.convert.output import new_model, take_files

ID = "bf16"


class Params(TechniqueParams):
    """Nothing to choose."""


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Only a setting changes; the file keeps its 32-bit weights, so that other processors answer as before."""
    ctx.check_cancelled()
    with new_model(model, ID, params, ctx) as output:
        take_files(model, output)
        output.precision = "bf16"
        output.settings = {"inference_precision": "bf16"}
        output.runtimes = ("openvino",)
        output.notes = ("Computes with 16-bit numbers where the processor has them, with 32-bit numbers elsewhere.",)
    assert output.artifact is not None
    return output.artifact


SPEC = TechniqueSpec(
    id=ID,
    title="16-bit numbers (BF16)",
    summary="Computes with 16 bits instead of 32 where the processor can. The file stays as it is.",
    source="A Study of BFLOAT16 for Deep Learning Training, arXiv 1905.12322; OpenVINO, “Precision control”",
    params=Params,
    accepts=("onnx", "openvino-ir"),
    apply=apply,
    requires=("openvino",),
    install_hint="pip install openvino",
    runtimes=("openvino",),
)
