"""Compute what a number of examples can prove, and which limit they suffice for (docs/evaluation.md)."""

import math
from collections.abc import Sequence

from app.domain.choose import LEAST_ALIKE_ITEMS
from app.domain.variant import Variant
from workers.contracts.proof.proving import level_of_look
from workers.contracts.specs import Judgement, SliceDrop

FIRST_LEVEL = level_of_look(0)

ROUNDING = 1e-9

SPARE_TEXTS = 1.5
"""Ratio of texts to those that prove an unchanged version.

They suffice for a version that changes up to .18 of what the limit allows. Careful 8 bits change .09 % of next words at
a limit of 1 %.
"""


def least_to_prove(limit_pct: float, level: float = FIRST_LEVEL) -> int | None:
    """Return how many unchanged test examples prove a loss of at most `limit_pct` percent, None if none do.

    The exact one-sided bound of 0 changes in n is 1 − α^(1/n): 1 % needs 321, 5 % needs 63.
    """
    if limit_pct <= 0:
        return None
    if limit_pct >= 100:
        return 1
    return math.ceil(math.log(level) / math.log1p(-limit_pct / 100) - ROUNDING)


def fewest_examples(limit_pct: float) -> int:
    """Return how many test examples can support rounded numbers at a limit in percent.

    They prove the limit or, at 0 %, which cannot be proven, let a version be recommended unproven.
    """
    return least_to_prove(limit_pct) or LEAST_ALIKE_ITEMS


def texts_to_evaluate(limit_pct: float, have: int) -> int:
    """Return how many of `have` texts a language model is tested with.

    They suffice to prove a limit in percent for a version that changes a little; all texts are used if none suffice.
    """
    least = least_to_prove(limit_pct)
    return have if least is None else min(have, math.ceil(SPARE_TEXTS * least))


def least_limit_pct(examples: int) -> float:
    """Return the smallest limit, in tenths of a percent rounded up, that `examples` test examples can prove."""
    if examples < 1:
        return 100.0
    return math.ceil(1000 * (1 - math.pow(FIRST_LEVEL, 1 / examples))) / 10


BROKEN_P = 0.01
"""Level at which a part of the test set counts as broken (the judge's gate over all parts, after Holm)."""


def larger_limit(variants: Sequence[Variant], limit_pct: float, most_pct: float) -> tuple[float, Variant] | None:
    """Return the least larger limit up to `most_pct` that accepts a faster version, and that version; else None."""
    found: tuple[float, Variant] | None = None
    for variant in variants:
        speedup = variant.measurement.speedup
        if variant.is_baseline or variant.judgement is None or speedup is None or speedup <= 1.0:
            continue
        needed = _needed_pct(variant.judgement)
        if needed is not None and limit_pct < needed <= most_pct and (found is None or needed < found[0]):
            found = (float(needed), variant)
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
