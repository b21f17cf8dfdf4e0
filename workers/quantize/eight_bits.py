"""What all techniques that compute in 8 bits say to the planner, and of processors without fast 8-bit sums."""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from workers.contracts.planning import IN_8_BITS, Fitted, Reason, Situation
from workers.infer import processor

NO_VNNI = (
    "This processor has no fast 8-bit sums (VNNI): they may overflow and bring little speed. Weights of 7 bits "
    "(reduce_range) keep them from overflowing."
)
NOTHING_DENSE = Reason(code="nothing_dense", text="The model has no layers that are faster in 8 bits.")


def lacks_fast_int8() -> bool:
    """Whether it is known that products of 8-bit numbers are summed in 16 bits here, which can overflow."""
    return processor.has_int8() is False


def why_not(situation: Situation, params: Any) -> Reason | None:
    """For models in more bits that have layers which 8-bit instructions can speed up."""
    if situation.model.precision == "int8":
        return IN_8_BITS
    return NOTHING_DENSE if situation.model.dense <= 0 else None


def fit(situation: Situation, given: Mapping[str, JsonValue]) -> Fitted:
    """Without VNNI the sums of two 8-bit products can overflow; 7 bits avoid it."""
    return Fitted(given if "int8" in situation.fast else {"reduce_range": True, **given})
