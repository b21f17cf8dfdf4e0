"""Weights of a language model in 4 bits, groups of them with a scale of their own, chosen with the person's texts."""

from typing import Any, Literal

from pydantic import Field

from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.quantize import compressed_weights as shared

ID, TITLE = "language_int4", "INT4 weights of a language model"


class Params(TechniqueParams):
    """How much is rounded, and how carefully."""

    group_size: Literal[32, 64, 128] = Field(default=64, description="Weights that share a scale. Smaller: closer.")
    share: float = Field(
        default=1.0, ge=0.1, le=1.0, description="Of the weights, the least sensitive ones; the others get 8 bits."
    )
    with_examples: bool = Field(default=True, description="Learn from examples which weights matter (AWQ, scales).")
    examples: int = Field(default=32, ge=1, le=512, description="Texts to learn from, at most.")


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """AWQ moves what matters into larger steps, then each group's scale is fitted to what the layer gives."""

    def how(nncf: Any) -> dict[str, object]:
        arguments: dict[str, object] = {
            "mode": nncf.CompressWeightsMode.INT4_ASYM,
            "group_size": params.group_size,
            "ratio": params.share,
        }
        if params.with_examples:
            examples = shared.Examples(ctx, params.examples)
            arguments |= {"dataset": examples, "subset_size": examples.count, "awq": True, "scale_estimation": True}
        return arguments

    return shared.compress(model, ID, TITLE, params, ctx, "int4" if params.share == 1 else "int4, int8", how)


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Each weight in 4 bits: a quarter of the memory. Small models lose by it, large ones hardly.",
    source=f"AWQ, arXiv 2306.00978; {shared.SOURCE}",
    params=Params,
    accepts=(shared.FORMAT,),
    apply=apply,
    for_inputs=("text",),
    traits=("size", "speed"),
    order=None,
    explanation="A quarter of the memory, learned from your texts; small models lose by it, large ones hardly.",
    why_not=shared.why_not,
    requires=shared.REQUIRES,
    install_hint=shared.INSTALL_HINT,
    runtimes=(shared.RUNTIME,),
)
