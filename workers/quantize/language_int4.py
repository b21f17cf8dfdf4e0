"""Store weights of a language model in 4 bits, in groups with their own scales, chosen with the user's texts."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import mark
from workers.quantize.weights import compressed_weights as shared

ID, TITLE = "language_int4", mark("INT4 weights of a language model")


Sensitivity = Literal["hessian", "mean_magnitude", "mean_variance", "max_variance", "rounding"]
METRICS: Mapping[Sensitivity, str] = {
    "hessian": "HESSIAN_INPUT_ACTIVATION",
    "mean_magnitude": "MEAN_ACTIVATION_MAGNITUDE",
    "mean_variance": "MEAN_ACTIVATION_VARIANCE",
    "max_variance": "MAX_ACTIVATION_VARIANCE",
    "rounding": "WEIGHT_QUANTIZATION_ERROR",
}
"""NNCF's names of the sensitivities (`nncf.SensitivityMetric`); all but the last use examples."""


class Params(TechniqueParams):
    """Parameters of INT4: the groups, the layers that keep 8 bits, and the methods of rounding."""

    group_size: Literal[32, 64, 128] = Field(
        default=64, description="Weights that share a scale. Smaller groups are more exact."
    )
    share: float = Field(
        title="Share in 4 bits",
        default=1.0,
        ge=0.1,
        le=1.0,
        description="Share of the weights that get 4 bits, the least sensitive ones; the others get 8.",
    )
    sensitivity: Sensitivity = Field(
        title="Measure of sensitivity",
        default="max_variance",
        description="The measure of how sensitive a layer is, where not all get 4 bits.",
    )
    with_examples: bool = Field(
        title="Learn from examples", default=True, description="Learn from examples which weights matter."
    )
    awq: bool = Field(title="AWQ", default=True, description="Scale important weights up before rounding (AWQ).")
    scales: bool = Field(
        title="Fit scales",
        default=True,
        description="Fit each group's scale to the output of its layer; takes longest.",
    )
    gptq: bool = Field(
        title="GPTQ", default=False, description="Let later weights make up for the rounding of earlier ones (GPTQ)."
    )
    examples: int = Field(default=32, ge=1, le=512, description="Texts to learn from, at most.")


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Compress the weights with the chosen methods.

    AWQ moves important values into larger steps, scale estimation fits each group's scale to the layer's output, and
    GPTQ spreads each weight's rounding error over the following weights.
    """

    def how(nncf: Any) -> dict[str, object]:
        arguments: dict[str, object] = {
            "mode": nncf.CompressWeightsMode.INT4_ASYM,
            "group_size": params.group_size,
            "ratio": params.share,
        }
        metric = params.sensitivity if params.with_examples else "rounding"
        if params.share < 1:
            arguments["sensitivity_metric"] = getattr(nncf.SensitivityMetric, METRICS[metric])
        if params.with_examples:
            examples = shared.Examples(ctx, params.examples)
            arguments |= {"dataset": examples, "subset_size": examples.count, "awq": params.awq}
            arguments |= {"scale_estimation": params.scales, "gptq": params.gptq}
        return arguments

    return shared.compress(model, ID, TITLE, params, ctx, "int4" if params.share == 1 else "int4, int8", how)


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Each weight in 4 bits: a quarter of the memory. Small models lose by it, large ones hardly.",
    source=f"AWQ, arXiv 2306.00978; GPTQ, arXiv 2210.17323; {shared.SOURCE}",
    params=Params,
    accepts=(shared.FORMAT,),
    apply=apply,
    for_inputs=("text",),
    traits=("size", "speed"),
    order=None,
    explanation="A quarter of the memory, learned from your texts; small models lose by it, large ones hardly.",
    why_not=shared.why_not,
    requires=shared.REQUIRES,
    runtimes=(shared.RUNTIME,),
)
