"""Share the planner's conditions of all INT8 techniques, including processors without fast 8-bit sums."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pydantic import JsonValue

from workers.contracts.planning import IN_8_BITS, Arithmetic, Fitted, Reason, Situation
from workers.contracts.translation import mark
from workers.infer import processor

NO_VNNI = mark(
    "This processor has no fast 8-bit sums (VNNI): they may overflow and bring little speed. Weights of 7 bits "
    "(reduce_range) keep them from overflowing."
)
LEARNING_SHARE = 0.3
"""Share of the run's time for a technique that learns."""

TRANSFORMER = mark(
    "Between the layers of a transformer, rounding changes most answers, so only its heavy layers are put into 8 bits."
)
NOTHING_DENSE = Reason(code="nothing_dense", text=mark("The model has no layers that are faster in 8 bits."))


_fast: ContextVar[Collection[Arithmetic] | None] = ContextVar("fast", default=None)


@contextmanager
def made_for(fast: Collection[Arithmetic] | None) -> Iterator[None]:
    """Make versions for a processor that computes these number formats fast; None means this processor."""
    token = _fast.set(fast)
    try:
        yield
    finally:
        _fast.reset(token)


def lacks_fast_int8() -> bool:
    """Return whether the processor is known to sum products of 8-bit numbers in 16 bits, which can overflow."""
    fast = _fast.get()
    return processor.has_int8() is False if fast is None else "int8" not in fast


def overflow_notes(*, reduce_range: bool) -> tuple[str, ...]:
    """Return a warning for 8-bit weights on a processor without fast 8-bit sums; none for 7-bit weights."""
    return (NO_VNNI,) if lacks_fast_int8() and not reduce_range else ()


def why_not(situation: Situation, params: Any) -> Reason | None:
    """Reject models that are already in 8 bits or have no layers that are faster in 8 bits."""
    if situation.model.precision == "int8":
        return IN_8_BITS
    return NOTHING_DENSE if situation.model.dense <= 0 else None


def fit(situation: Situation, given: Mapping[str, JsonValue]) -> Fitted:
    """Choose 7-bit weights without VNNI, because the sums of two 8-bit products can overflow."""
    return Fitted(given if "int8" in situation.fast else {"reduce_range": True, **given})


def only_layers(situation: Situation) -> dict[str, JsonValue]:
    """Return the parameters that round only what layers read, for transformers; none for other models.

    MiniLM-L6 changes 500 of 500 answers with the results of products in 8 bits, 92 without (docs/decisions/0303).
    """
    return {"layers": "heavy", "product_outputs": "float"} if situation.model.smoothable else {}


def fit_in_time(situation: Situation, given: Mapping[str, JsonValue]) -> Fitted:
    """Give the technique its share of the run's time, and 7-bit weights without VNNI."""
    budget_s = situation.time_budget_s
    careful = fit(situation, given)
    return careful if budget_s is None else Fitted({"max_s": round(LEARNING_SHARE * budget_s), **careful.params})
