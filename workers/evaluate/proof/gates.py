"""Check what has to hold in addition to the share changed: figures with their own bounds, and enough items."""

import math
from collections.abc import Iterator

import numpy as np

from workers.contracts.specs import Verdict
from workers.contracts.translation import _, ngettext
from workers.contracts.wording import percent
from workers.evaluate.proof.bounds import Counts
from workers.evaluate.proof.differences import Differences, Gate
from workers.evaluate.proof.needed import needed_mean
from workers.evaluate.proof.notes import Notes

REGRESSED_LEVEL = 0.04
"""Level at which a loss above the limit is proven. The slices have the level .01 (`slices.GATE`)."""


def gated(compared: Differences, limit: float, alpha: float, notes: Notes) -> Iterator[Verdict]:
    """Yield the verdict of each gate at the one-sided level `alpha`, and of the number of items; record the reasons."""
    if len(compared.items) < compared.least_items:
        text = ngettext(
            "At least {0:,} are needed, and there is {1:,} example.",
            "At least {0:,} are needed, and there are {1:,} examples.",
            len(compared.items),
        )
        notes.reason(text.format(compared.least_items, len(compared.items)))
        yield "not_enough_data"
    for reason in compared.unproven:
        notes.reason(reason)
        yield "not_enough_data"
    for gate in compared.gates:
        allowed = gate.allowed(limit)
        verdict = _verdict(gate, allowed, alpha)
        if verdict != "safe":
            text = (
                _("{0}: {1}, where {2} are allowed.")
                if gate.estimate > allowed
                else _("{0}: {1}, where {2} are allowed, and there are too few examples to be sure of that.")
            )
            notes.reason(text.format(gate.message, percent(gate.estimate), percent(allowed)))
        yield verdict


def _verdict(gate: Gate, most: float, alpha: float) -> Verdict:
    draws = gate.draws[np.isfinite(gate.draws)]
    if not math.isfinite(gate.estimate) or len(draws) < len(gate.draws) // 2:
        return "regressed"
    if float(np.quantile(draws, REGRESSED_LEVEL)) > most:
        return "regressed"
    exact = gate.exact(1 - alpha) if gate.exact is not None else 0.0
    high = max(gate.estimate, exact, float(np.quantile(draws, 1 - alpha)))
    return "safe" if high <= most else "not_enough_data"


def in_items(missing: int | None, counts: Counts, compared: Differences, limit: float, alpha: float) -> int | None:
    """Return how many more items a proof needs, if `missing` counts places that are each worth one independent item."""
    if counts.shares is None or missing is None:
        return missing
    short = max(0, compared.least_items - len(compared.items))
    needed = needed_mean(limit, float(counts.shares.mean()) if len(counts.shares) else 0.0, 1 - alpha)
    if needed is None:
        return None
    by_place = (
        math.ceil(missing * len(compared.items) / counts.everything) if counts.changed_upper(alpha) > limit else 0
    )
    return max(short, by_place, needed - len(counts.shares), 1)
