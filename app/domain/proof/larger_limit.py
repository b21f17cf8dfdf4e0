"""A version that a larger limit would let through: found only where the limit is what stands in its way."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.variant import Variant
from workers.contracts.specs import Judgement, SliceDrop

BROKEN_P = 0.01
"""Level at which a part of the test set counts as broken (the judge's gate over all parts, after Holm)."""


@dataclass(frozen=True)
class LargerLimit:
    """The smallest limit in whole percent, relative as `Goal.max_loss_pct`, within which `variant` would be."""

    limit_pct: float
    variant: Variant


def larger_limit(variants: Sequence[Variant], limit_pct: float, most_pct: float) -> LargerLimit | None:
    """The least larger limit, at most `most_pct`, that a version which was measured faster keeps; None for none."""
    found: LargerLimit | None = None
    for variant in variants:
        speedup = variant.measurement.speedup
        if variant.is_baseline or variant.judgement is None or speedup is None or speedup <= 1.0:
            continue
        needed = _needed_pct(variant.judgement)
        if needed is not None and limit_pct < needed <= most_pct and (found is None or needed < found.limit_pct):
            found = LargerLimit(float(needed), variant)
    return found


def _needed_pct(judgement: Judgement) -> int | None:
    """In whole percent; None where no limit would change the verdict.

    Parts that broke count where labels were there: without them their own bound has nothing to do with the limit. What
    was refused for another reason stays refused.
    """
    if judgement.drop is None:
        return None
    parts = [part for part in judgement.slices if _is_broken(part)]
    if parts and not judgement.labelled:
        return None
    if judgement.verdict == "regressed" and not parts and judgement.drop <= judgement.margin:
        return None
    base = (judgement.original_accuracy or 1.0) if judgement.labelled else 1.0
    bound = judgement.drop_high if judgement.drop_high is not None else judgement.drop
    return math.ceil(100 * max(bound, *(part.drop for part in parts), 0.0) / base)


def _is_broken(part: SliceDrop) -> bool:
    return part.p_holm is not None and part.p_holm <= BROKEN_P
