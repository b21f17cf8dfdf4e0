"""Store weights of a language model in 8 bits: half the memory, and half the bytes to read per token."""

from typing import Any

from pydantic import Field

from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import mark
from workers.quantize.weights import compressed_weights as shared

ID, TITLE = "language_int8", mark("INT8 weights of a language model")


class Params(TechniqueParams):
    """Parameters of INT8: the form of the range of each row of weights."""

    symmetric: bool = Field(default=False, description="Ranges around zero; otherwise each row has an offset, too.")


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Give each row of weights its own 8-bit scale; computation keeps its number format."""

    def how(nncf: Any) -> dict[str, object]:
        modes = nncf.CompressWeightsMode
        return {"mode": modes.INT8_SYM if params.symmetric else modes.INT8_ASYM}

    return shared.compress(model, ID, TITLE, params, ctx, "int8", how)


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Each weight in 8 bits instead of 16 or 32: half of the memory, and faster answers.",
    source=f"LLM.int8(), arXiv 2208.07339; {shared.SOURCE}",
    params=Params,
    accepts=(shared.FORMAT,),
    apply=apply,
    for_inputs=("text",),
    traits=("int8", "size", "speed", "quick"),
    order=None,
    explanation="A language model reads all its weights for each word: half the bytes are read in half the time.",
    why_not=shared.why_not,
    requires=shared.REQUIRES,
    runtimes=(shared.RUNTIME,),
)
