"""Which variant is recommended. The rules are those of EVALUATION.md; nothing here measures anything."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.domain.variant import Variant
from workers.contracts.measured.faster import GAIN
from workers.contracts.proof.proving import LEAST_TEXTS

Objective = Literal["speed", "size", "throughput"]

TIE_SHARE = 0.03
"""Differences under 3 % between engines are noise (OPTIMIZE.md, traps)."""

PORTABLE_SHARE = 1.05
"""A version that costs so many times as much at most is preferred where it fits more targets."""

PORTABLE_RUNTIMES = ("onnxruntime-cpu", "onnxruntime-cuda")
PLAIN_SETTINGS = frozenset({"num_threads", "graph_optimization", "constants"})
"""Settings that each target for ONNX honors (`TargetSpec.settings`)."""

NOT_SLOWER = 0.95
"""Where size is the goal, a smaller version may be slower by 5 % at most, by the bound."""

WORSE_TAIL = 1.03
"""Of a version that is faster by its mean, the 90th percentile may take so many times as long as the original's."""

FAR_AHEAD = 1.25
"""Beside one that looks so many times as fast, a version that does not look like a gain cannot become the best."""

MOST_SETS = 10
"""So many fresh sets of processes tell what can be told; more would only find differences that mean nothing."""

DOUBTFUL = 0.1
LEAST_ALIKE_ITEMS = 59
"""Without a change among so many items, fewer than 5 % change with 95 % confidence: fewer are too few to recommend what
is not proven, but for versions whose numbers are the original's (EVALUATION.md). Of a language model `LEAST_TEXTS` hold
hundreds of next words each."""

EXACT, HALF, FEWER = 0, 1, 2

ALIKE_SHARE = 0.99
"""Unproven variants are recommended only if at least this share of results is unchanged, or what the limit asks."""

FASTER_UNDER_LOAD = 1.5
"""What all ways to compare have to agree on, at least, beside other programs. Engines suffer from them differently: one
that is 1.07 times as fast when quiet read 1.32 to 1.36 by every way (OpenVINO over ONNX Runtime, magika beside
`stress-ng`, `tests/benchmarks/under_load.py`); what is twice as fast read 1.58 or more in 10 of 10 runs."""


@dataclass(frozen=True)
class Choice:
    """`proven` is False when the recommended variant looks alike but too few examples prove it."""

    variant: Variant | None
    proven: bool


def is_worth_naming(speedup: float | None) -> bool:
    """Whether a speedup is more than noise between engines."""
    return speedup is not None and speedup > GAIN


def is_faster(variant: Variant) -> bool:
    """Measured beside the original, the lower bound of the speedup is a real gain, and slow requests are not slower.

    Under load wall time alone proves nothing: all ways to compare have to show `FASTER_UNDER_LOAD` at least.
    """
    measured = variant.measurement
    if not is_worth_naming(measured.speedup_low) or has_slow_tail(variant):
        return False
    return not measured.under_load or (measured.agreed_low is not None and measured.agreed_low > FASTER_UNDER_LOAD)


def has_slow_tail(variant: Variant) -> bool:
    """One request in ten takes more than 3 % longer than one in ten of the original's did: a cascade that asks twice
    may be faster in the mean and still be what a person waits for. Under load such requests tell of other programs.
    """
    measured = variant.measurement
    return not measured.under_load and measured.p90_speedup is not None and measured.p90_speedup < 1 / WORSE_TAIL


def needs_quiet(variant: Variant, objective: Objective = "speed") -> bool:
    """It could be recommended if it were a gain, and other programs disturbed that comparison: measure again. What took
    longer by the clock and by the processor's time is slower for sure.
    """
    measured = variant.measurement
    if variant.is_baseline or variant.state != "confirmed" or not may_win(variant) or not measured.under_load:
        return False
    is_refuted = measured.cpu_speedup is not None and likely_speedup(variant) <= 1.0
    return not is_gain(variant, objective) and (not is_refuted or looks_like_gain(variant, objective))


def can_be_measured_on(variant: Variant) -> bool:
    """More rounds of the same run can tell more of its speed."""
    return not variant.is_side_by_side or variant.measurement.sets < MOST_SETS


def likely_speedup(variant: Variant) -> float:
    """How many times faster a first look makes it, 0 where it was not measured.

    Under load the better of wall and processor time: what may be fast is measured again beside the original.
    """
    measured = variant.measurement
    if measured.under_load and measured.speedup is not None and measured.cpu_speedup is not None:
        return max(measured.speedup, measured.cpu_speedup)
    return measured.speedup or 0.0


def known_speedup(variant: Variant) -> float:
    """How many times faster it is beside the original, or looked where that is all there is; 0 for not measured."""
    return (variant.measurement.speedup or 0.0) if variant.is_side_by_side else likely_speedup(variant)


def is_smaller(variant: Variant) -> bool:
    """Smaller than the original by more than a trifle."""
    return variant.size_ratio is not None and variant.size_ratio > GAIN


def is_gain(variant: Variant, objective: Objective) -> bool:
    """Shown beside the original to be worth having: faster, or where size is the goal smaller and not slower."""
    measured = variant.measurement
    low = measured.agreed_low if measured.under_load else measured.speedup_low
    as_fast = objective == "size" and is_smaller(variant) and low is not None and low > NOT_SLOWER
    return is_faster(variant) or as_fast


def looks_like_gain(variant: Variant, objective: Objective) -> bool:
    """The same by the estimate alone, which a first look gives as well."""
    speedup = likely_speedup(variant)
    return is_worth_naming(speedup) or (objective == "size" and is_smaller(variant) and speedup > NOT_SLOWER)


def is_unsettled(variant: Variant, objective: Objective) -> bool:
    """It looks like a gain, and that was neither shown nor refuted beside the original yet."""
    if variant.state not in ("measured", "confirmed") or not looks_like_gain(variant, objective):
        return False
    if has_slow_tail(variant) and is_worth_naming(variant.measurement.speedup_low):
        return False  # faster in the mean, and its slow requests settle that it does not count
    return not variant.is_side_by_side or (not is_gain(variant, objective) and variant.measurement.sets < MOST_SETS)


def looks_better(variant: Variant, other: Variant, objective: Objective) -> bool:
    """Whether it would be chosen before `other`, by the estimates and without regard to ties."""
    return cost_of(variant, objective) < cost_of(other, objective)


def is_slower(variant: Variant) -> bool:
    """Measured, and no faster than the original: in a first look under load by neither kind of time, since such a one
    is measured again.
    """
    return variant.measurement.speedup is not None and known_speedup(variant) <= 1.0


def has_exact_numbers(variant: Variant) -> bool:
    """Whether it computes with the original's weights in 32 bits, only in another way. What was made elsewhere may hold
    any.
    """
    if variant.recipe.elsewhere is not None or not variant.weights_kept:
        return False
    lowered = variant.recipe.settings.get("inference_precision", "f32") != "f32"
    return variant.precision == "fp32" and not lowered


def has_half_numbers(variant: Variant) -> bool:
    """Whether it computes with 16 bits, or 32, throughout, and with the original's weights."""
    if variant.recipe.elsewhere is not None or not variant.weights_kept:
        return False
    lowered = variant.recipe.settings.get("inference_precision", "f32")
    return variant.precision in ("fp32", "fp16", "bf16") and lowered in ("f32", "f16", "bf16")


def exactness(variant: Variant) -> int:
    """`EXACT`, `HALF` or `FEWER` bits than the original's numbers, what is not known among the last."""
    return EXACT if has_exact_numbers(variant) else HALF if has_half_numbers(variant) else FEWER


def is_alike_not_proven(variant: Variant) -> bool:
    """The estimate is within the limit, but the bound is not, on enough items to think so; on fewer only versions with
    the original's numbers, or with 16 bits where every single result is alike. What was not tested is so only with the
    original's numbers and all calibration results alike.
    """
    judgement = variant.judgement
    if judgement is None:
        screening = variant.screening
        return screening is not None and screening.n > 0 and not screening.changed and has_exact_numbers(variant)
    if judgement.verdict != "not_enough_data":
        return False
    if judgement.drop is not None and judgement.drop > judgement.margin:
        return False
    if judgement.n < (LEAST_ALIKE_ITEMS if judgement.units is None else LEAST_TEXTS):
        all_alike = judgement.n > 0 and not judgement.changed_count
        return has_exact_numbers(variant) or (all_alike and has_half_numbers(variant))
    share = min(ALIKE_SHARE, 1 - judgement.margin)
    return judgement.agreement is not None and judgement.agreement >= share


def is_safe(variant: Variant) -> bool:
    """The verdict is Safe to ship."""
    return variant.judgement is not None and variant.judgement.verdict == "safe"


def is_regressed(variant: Variant) -> bool:
    """It loses more than the limit for sure, by the test examples or by those for calibration."""
    if variant.judgement is not None:
        return variant.judgement.verdict == "regressed"
    return variant.screening is not None and variant.screening.regressed


def may_win(variant: Variant) -> bool:
    """Worth the final run: safe, or alike and not proven; not tested yet, and not refused by the calibration examples.
    Never regressed.
    """
    if variant.judgement is None:
        return not is_regressed(variant)
    return is_safe(variant) or is_alike_not_proven(variant)


def may_be_safe(variant: Variant) -> bool:
    """It is, or could turn out to be: not tested, and not refused by the calibration examples."""
    return is_safe(variant) if variant.judgement is not None else may_win(variant)


def answers_hold(variant: Variant, limit_pct: float) -> bool:
    """Nothing more careful needs to be tried: it was not dropped, and so few results changed on the calibration
    examples (half of the limit at most) that it will likely be safe.
    """
    screening = variant.screening
    if variant.state == "dropped" or screening is None or not screening.n or screening.regressed:
        return False
    return screening.share <= limit_pct / 100 / 2


def is_doubtful(variant: Variant, limit_pct: float) -> bool:
    """So many results changed on the calibration examples that it will hardly be safe: of versions that change as much
    as the limit allows, fewer than one in ten change as many. With labels it may be safe all the same.
    """
    screening = variant.screening
    if screening is None or not screening.changed:
        return False
    share, n = min(limit_pct / 100, 1.0), screening.n
    fewer = sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(screening.changed))
    return 1 - fewer < DOUBTFUL


def could_win(named: Sequence[Variant], tried: Sequence[Variant]) -> bool:
    """Whether a version as fast as one of `named` could be recommended: faster than the original and than all that may.

    Only by speed. True where none of `named` was tried; one that was dropped counts as slow.
    """
    others = [likely_speedup(v) for v in tried if v.state != "dropped" and not v.is_baseline and may_win(v)]
    best = max([1.0, *others])
    return not named or any(v.state != "dropped" and likely_speedup(v) > best for v in named)


def cost_of(variant: Variant, objective: Objective) -> float:
    """Times count as shares of the original's that was measured with them: rounds are taken at different moments."""
    measurement = variant.measurement
    if objective == "size":
        return float(variant.size_bytes) if variant.size_bytes is not None else float("inf")
    if objective == "throughput" and measurement.throughput_per_s:
        return 1.0 / measurement.throughput_per_s
    return 1.0 / measurement.speedup if measurement.speedup else float("inf")


def is_as_good(variant: Variant, other: Variant, objective: Objective) -> bool:
    """Return whether `variant` costs no more than `other` by `objective`, within the noise of 3 %."""
    return cost_of(variant, objective) <= cost_of(other, objective) * (1 + TIE_SHARE)


def _changed(variant: Variant) -> float:
    agreement = variant.judgement.agreement if variant.judgement else None
    return 1.0 - agreement if agreement is not None else 1.0


def best_of(variants: Sequence[Variant], objective: Objective) -> Variant | None:
    """The cheapest by `objective`; within a tie of 3 % the one that changes fewer answers."""
    if not variants:
        return None
    least = min(cost_of(variant, objective) for variant in variants)
    tied = [variant for variant in variants if cost_of(variant, objective) <= least * (1 + TIE_SHARE)]
    return min(tied, key=lambda variant: (_changed(variant), cost_of(variant, objective)))


def is_portable(variant: Variant) -> bool:
    """It is a plain ONNX model in ONNX Runtime, which web pages, hub folders, Triton and MLflow take as well."""
    settings = set(variant.recipe.settings) - PLAIN_SETTINGS
    return variant.recipe.elsewhere is None and variant.runtime in PORTABLE_RUNTIMES and not settings


def portable_rival(best: Variant, variants: Sequence[Variant], objective: Objective) -> Variant | None:
    """Return the best version that costs at most 5 % more than `best` and fits more targets; None where `best` does."""
    if is_portable(best):
        return None
    most = cost_of(best, objective) * PORTABLE_SHARE
    return best_of([v for v in variants if is_portable(v) and cost_of(v, objective) <= most], objective)


def leader(variants: Sequence[Variant], objective: Objective) -> Variant | None:
    """Of versions that were measured in turn, the best gain that could still turn out to be safe, or is alike."""
    found = [v for v in variants if not v.is_baseline and is_gain(v, objective) and may_win(v)]
    return best_of([v for v in found if v.judgement is not None or not v.untested], objective)


def choose(variants: Sequence[Variant], objective: Objective = "speed") -> Choice:
    """The best safe one that is a gain; else the best that looks alike, marked not proven; else none. Of those that are
    as good within 5 % it is one that fits more targets.

    `variants` were measured in turn.
    """
    gains = [variant for variant in variants if not variant.is_baseline and is_gain(variant, objective)]
    for is_proven, holds in ((True, is_safe), (False, is_alike_not_proven)):
        held = [variant for variant in gains if holds(variant)]
        best = best_of(held, objective)
        if best is not None:
            return Choice(portable_rival(best, held, objective) or best, is_proven)
    return Choice(None, False)


def finalists(
    variants: Sequence[Variant],
    objective: Objective,
    count: int = 3,
    limit_pct: float = 100.0,
    *,
    few_items: bool = False,
) -> list[Variant]:
    """Those to measure again beside the original, by their first looks: what looks like a gain comes first, of these
    what is not doubtful, the best first; not clearly slower ones, nor those that the calibration examples refuse, nor
    where speed is the goal those that look no faster than the original beside one that is `FAR_AHEAD`.

    With `few_items` only exact numbers can be counted on (`is_alike_not_proven`): the more exact ones come first, so
    that time for one finalist does not go to one that a single changed result puts out.
    """
    slowest = (NOT_SLOWER if objective == "size" else 1.0) - TIE_SHARE
    found = [
        variant
        for variant in variants
        if not variant.is_baseline and may_win(variant) and likely_speedup(variant) > slowest
    ]
    if objective == "speed" and not few_items:
        sound = (likely_speedup(v) for v in found if not is_doubtful(v, limit_pct) and looks_like_gain(v, objective))
        best = max(sound, default=0.0)
        found = [v for v in found if looks_like_gain(v, objective) or best < FAR_AHEAD * likely_speedup(v)]
    found.sort(
        key=lambda variant: (
            not looks_like_gain(variant, objective), exactness(variant) if few_items else 0,
            is_doubtful(variant, limit_pct), cost_of(variant, objective),
        )
    )  # fmt: skip
    return with_portable(found, count, objective)


def with_portable(ranked: Sequence[Variant], count: int, objective: Objective) -> list[Variant]:
    """Return the first `count`; a gain that fits more targets takes the last place where none is among them.

    A target that needs plain ONNX has nothing but the original to take where no such version was measured in turn.
    """
    first = list(ranked[:count])
    other = next((v for v in ranked[count:] if is_portable(v) and looks_like_gain(v, objective)), None)
    if count < 2 or other is None or any(is_portable(v) for v in first):
        return first
    return [*first[:-1], other]
