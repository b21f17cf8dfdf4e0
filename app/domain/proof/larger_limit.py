"""Find a version that a larger limit would accept, if only the limit excludes it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.variant import Variant
from workers.contracts.specs import Judgement, SliceDrop

BROKEN_P = 0.01
"""Level at which a part of the test set counts as broken (the judge's gate over all parts, after Holm)."""


@dataclass(frozen=True)
class LargerLimit:
    """The smallest limit in whole percent, relative like `Goal.max_loss_pct`, that accepts `variant`."""

    limit_pct: float
    variant: Variant


def larger_limit(variants: Sequence[Variant], limit_pct: float, most_pct: float) -> LargerLimit | None:
    """Return the least larger limit up to `most_pct` that a faster version keeps, None without one."""
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
    """Return the needed limit in whole percent, None if no limit would change the verdict.

    Broken parts count only with labels: without them their own bound is unrelated to the limit. A version refused for
    another reason stays refused.
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
