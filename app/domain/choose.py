"""Choose the variant to recommend, by the rules of docs/evaluation.md; nothing here measures anything."""

import math
from collections.abc import Sequence
from typing import Literal

from app.domain.variant import Variant
from workers.contracts.measured.sizes import GAIN
from workers.contracts.proof.proving import LEAST_TEXTS

Objective = Literal["speed", "size", "throughput"]

TIE_SHARE = 0.03
"""Relative difference between runtimes below which it counts as noise."""

PORTABLE_SHARE, UNCLEAR_SHARE = 1.05, 1.1
"""Largest ratio of costs at which a version is preferred because it fits more targets.

The second one holds if its speed is not clearly lower (`most_cost`): sets of processes differ by up to 10 %.
"""

NOT_SLOWER = 0.95
"""Least speedup bound of a smaller version where size is the goal: it may be 5 % slower."""

WORSE_TAIL = 1.03
"""Largest ratio to the original's 90th percentile that a version with a faster mean may have."""

FAR_AHEAD = 1.25
"""Ratio of estimated speeds from which on a version that does not look like a gain cannot become the best."""

MOST_SETS, MOST_SETS_OF_CLEAR, CLEAR_GAIN = 10, 30, 1.06
"""Number of sets of fresh processes after which more would only find meaningless differences.

From a speedup of `CLEAR_GAIN` on, a bound that does not show it yet is wide by the noise of the computer.
"""

DOUBTFUL = 0.1
LEAST_ALIKE_ITEMS = 59
"""Least items without a change that suffice to recommend an unproven version.

Without a change among 59 items, fewer than 5 % change with 95 % confidence (docs/evaluation.md). Versions with the
original's numbers need no such count. For a language model, `LEAST_TEXTS` hold hundreds of next words each.
"""

EXACT, HALF, FEWER = 0, 1, 2

ALIKE_SHARE = 0.99
"""Least share of unchanged results of a recommended unproven variant, unless the limit requires another share."""

FASTER_UNDER_LOAD = 1.5
"""Least speedup by every comparison if other programs used the computer.

Runtimes suffer differently from other programs. One that is 1.07 times as fast when quiet read 1.32 to 1.36 by every
comparison (OpenVINO over ONNX Runtime, magika while `stress-ng` ran, `tests/benchmarks/under_load.py`). A version that
is twice as fast read 1.58 or more in 10 of 10 runs.
"""

FASTER_UNDISTURBED = 1.1
"""Least speedup over the requests that busy programs did not delay (`workers.measure.undisturbed`).

Caches and memory are still shared with these programs, which may hinder one version more than the other.
"""


def is_worth_naming(speedup: float | None) -> bool:
    """Return whether a speedup exceeds the noise between engines."""
    return speedup is not None and speedup > GAIN


def is_faster(variant: Variant) -> bool:
    """Return whether the lower bound of the speedup is a gain and slow requests are not slower.

    Under load, wall time alone proves nothing: all comparisons must show at least `FASTER_UNDER_LOAD`, or the
    undisturbed requests `FASTER_UNDISTURBED`.
    """
    measured = variant.measurement
    if not is_worth_naming(measured.speedup_low) or has_slow_tail(variant):
        return False
    least = FASTER_UNDISTURBED if measured.undisturbed else FASTER_UNDER_LOAD
    return not measured.under_load or (measured.agreed_low is not None and measured.agreed_low > least)


def has_slow_tail(variant: Variant) -> bool:
    """Return whether the 90th percentile of request times is more than 3 % above the original's.

    A cascade that runs two models may be faster in the mean and still keep a person waiting. Under load the percentile
    of all requests describes other programs, so only that of undisturbed requests counts.
    """
    measured = variant.measurement
    if measured.under_load and not measured.undisturbed:
        return False
    return measured.p90_speedup is not None and measured.p90_speedup < 1 / WORSE_TAIL


def needs_quiet(variant: Variant, objective: Objective = "speed") -> bool:
    """Return whether other programs disturbed a comparison that could lead to a recommendation: measure again.

    A version that took longer by both wall time and processor time is certainly slower. By undisturbed requests the
    estimate decides as it does on a quiet computer.
    """
    measured = variant.measurement
    if variant.is_baseline or variant.state != "confirmed" or not is_eligible(variant) or not measured.under_load:
        return False
    if measured.undisturbed and (has_slow_tail(variant) or not looks_like_gain(variant, objective)):
        return False
    is_refuted = measured.cpu_speedup is not None and expected_speedup(variant) <= 1.0
    return not is_gain(variant, objective) and (not is_refuted or looks_like_gain(variant, objective))


def can_be_measured_on(variant: Variant) -> bool:
    """Return whether more rounds of the same run can improve what is known of its speed."""
    is_clear = (variant.measurement.speedup or 0.0) >= CLEAR_GAIN
    most = MOST_SETS_OF_CLEAR if is_clear else MOST_SETS
    return not variant.is_side_by_side or variant.measurement.sets < most


def expected_speedup(variant: Variant) -> float:
    """Return the speedup by a first measurement, 0 if it was not measured.

    Under load it is the higher of wall and processor time: a possibly fast version is measured again with the original.
    """
    return max(_speedups(variant))


def _speedups(variant: Variant) -> list[float]:
    """Return the speedup, under load by each kind of time that was measured; 0 stands for none."""
    measured = variant.measurement
    if not measured.under_load or measured.undisturbed:
        return [measured.speedup or 0.0]
    return [one for one in (measured.speedup, measured.cpu_speedup, measured.wall_speedup) if one] or [0.0]


def known_speedup(variant: Variant) -> float:
    """Return the speedup over the original, or its estimate without a side-by-side measurement; 0 if not measured."""
    return (variant.measurement.speedup or 0.0) if variant.is_side_by_side else expected_speedup(variant)


def is_smaller(variant: Variant) -> bool:
    """Return whether it is noticeably smaller than the original."""
    return variant.size_ratio is not None and variant.size_ratio > GAIN


def is_gain(variant: Variant, objective: Objective) -> bool:
    """Return whether it is proven faster than the original or, where size is the goal, smaller and not slower."""
    measured = variant.measurement
    low = measured.agreed_low if measured.under_load else measured.speedup_low
    as_fast = objective == "size" and is_smaller(variant) and low is not None and low > NOT_SLOWER
    return is_faster(variant) or as_fast


def looks_like_gain(variant: Variant, objective: Objective) -> bool:
    """Return whether it is a gain by its estimate, which a first measurement also gives."""
    speedup = expected_speedup(variant)
    return is_worth_naming(speedup) or (objective == "size" and is_smaller(variant) and speedup > NOT_SLOWER)


def is_unsettled(variant: Variant, objective: Objective) -> bool:
    """Return whether it looks like a gain that a side-by-side measurement has neither shown nor refuted."""
    if variant.state not in ("measured", "confirmed") or not looks_like_gain(variant, objective):
        return False
    if has_slow_tail(variant) and is_worth_naming(variant.measurement.speedup_low):
        return False  # faster in the mean, but its slow requests exclude it
    return not variant.is_side_by_side or (not is_gain(variant, objective) and can_be_measured_on(variant))


def looks_better(variant: Variant, other: Variant, objective: Objective) -> bool:
    """Return whether it would be chosen before `other`, by the estimates and without regard to ties."""
    return cost_of(variant, objective) < cost_of(other, objective)


def is_slower(variant: Variant) -> bool:
    """Return whether it was measured and is no faster than the original.

    A first measurement under load must show that by both kinds of time, since such versions are measured again.
    """
    return variant.measurement.speedup is not None and known_speedup(variant) <= 1.0


def has_exact_numbers(variant: Variant) -> bool:
    """Return whether it computes with the original's weights in 32 bits; models made elsewhere may hold any numbers."""
    if variant.recipe.elsewhere is not None or not variant.weights_kept:
        return False
    lowered = variant.recipe.settings.get("inference_precision", "f32") != "f32"
    return variant.precision == "fp32" and not lowered


def has_half_numbers(variant: Variant) -> bool:
    """Return whether it computes with 16 or 32 bits throughout and with the original's weights."""
    if variant.recipe.elsewhere is not None or not variant.weights_kept:
        return False
    lowered = variant.recipe.settings.get("inference_precision", "f32")
    return variant.precision in ("fp32", "fp16", "bf16") and lowered in ("f32", "f16", "bf16")


def exactness(variant: Variant) -> int:
    """Return `EXACT`, `HALF` or `FEWER` for the bits of its numbers; unknown ones count as `FEWER`."""
    return EXACT if has_exact_numbers(variant) else HALF if has_half_numbers(variant) else FEWER


def is_alike_not_proven(variant: Variant) -> bool:
    """Return whether the estimate is within the limit although the bound is not, on enough items.

    On fewer items this holds only for the original's numbers, or for 16 bits if every result is alike. An untested
    version needs the original's numbers and all calibration results alike.
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
    """Return whether the verdict is Safe to ship."""
    return variant.judgement is not None and variant.judgement.verdict == "safe"


def is_regressed(variant: Variant) -> bool:
    """Return whether it certainly loses more than the limit, on the test set or the calibration set."""
    if variant.judgement is not None:
        return variant.judgement.verdict == "regressed"
    return variant.screening is not None and variant.screening.regressed


def is_eligible(variant: Variant) -> bool:
    """Return whether it may be recommended: safe, alike and not proven, or untested and not refused by calibration."""
    if variant.judgement is None:
        return not is_regressed(variant)
    return is_safe(variant) or is_alike_not_proven(variant)


def is_safe_or_untested(variant: Variant) -> bool:
    """Return whether it is or could be safe: untested versions count unless the calibration set refuses them."""
    return is_safe(variant) if variant.judgement is not None else is_eligible(variant)


def is_probably_safe(variant: Variant, limit_pct: float) -> bool:
    """Return whether no more careful recipe is needed: it is not dropped and will probably be safe.

    That is so if at most half of the limit changed on the calibration set; results of the test set decide once known.
    """
    judgement, screening = variant.judgement, variant.screening
    if variant.state == "dropped":
        return False
    if judgement is not None:
        return is_eligible(variant) or (judgement.verdict == "not_enough_data" and not judgement.changed_count)
    if screening is None or not screening.n or screening.regressed:
        return False
    return screening.share <= limit_pct / 100 / 2


def is_probably_unsafe(variant: Variant, limit_pct: float) -> bool:
    """Return whether so many calibration results changed that it will hardly be safe.

    Of versions that change as much as the limit allows, fewer than one in ten change as many. With labels it may still
    be safe.
    """
    screening = variant.screening
    if screening is None or not screening.changed:
        return False
    share, n = min(limit_pct / 100, 1.0), screening.n
    fewer = sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(screening.changed))
    return 1 - fewer < DOUBTFUL


def could_be_fastest(named: Sequence[Variant], tried: Sequence[Variant]) -> bool:
    """Return whether a version as fast as one of `named` could be recommended by speed.

    It must be faster than the original and all eligible versions. Under load, the best time of `named` and the worst
    one of the others count, so that no noise leaves out a recipe. The result is True if none of `named` was tried; a
    dropped one counts as slow.
    """
    others = [min(_speedups(v)) for v in tried if v.state != "dropped" and not v.is_baseline and is_eligible(v)]
    best = max([1.0, *others])
    return not named or any(v.state != "dropped" and expected_speedup(v) > best for v in named)


def cost_of(variant: Variant, objective: Objective) -> float:
    """Return the cost by `objective`; times are ratios to the original of the same rounds."""
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
    """Return the cheapest by `objective`; within a tie of 3 % the one with fewer changed predictions, then by plan.

    Noise of the clock must not decide, so that the same input gives the same outcome.
    """
    if not variants:
        return None
    least = min(cost_of(variant, objective) for variant in variants)
    tied = [variant for variant in variants if cost_of(variant, objective) <= least * (1 + TIE_SHARE)]
    return min(tied, key=lambda variant: (_changed(variant), variant.index, cost_of(variant, objective)))


def portable_rival(best: Variant, variants: Sequence[Variant], objective: Objective) -> Variant | None:
    """Return the best version that fits more targets than `best` and costs about as much, None if there is none."""
    near = [
        v for v in variants if v.is_portable and cost_of(v, objective) <= cost_of(best, objective) * most_cost(v, best)
    ]
    return None if best.is_portable else best_of(near, objective)


def most_cost(portable: Variant, best: Variant) -> float:
    """Return the largest ratio of costs at which `portable` is preferred to `best`."""
    high, speedup = portable.measurement.speedup_high, best.measurement.speedup
    return UNCLEAR_SHARE if high is not None and speedup is not None and high >= speedup else PORTABLE_SHARE


def leader(variants: Sequence[Variant], objective: Objective) -> Variant | None:
    """Return the best gain among versions measured side by side that is alike or could still be safe."""
    found = [v for v in variants if not v.is_baseline and is_gain(v, objective) and is_eligible(v)]
    return best_of([v for v in found if v.judgement is not None or not v.untested], objective)


def choose(variants: Sequence[Variant], objective: Objective = "speed") -> tuple[Variant | None, bool]:
    """Return the best safe gain and True, else the best that looks alike and False, else None and False.

    Of versions that are about as good, one that fits more targets is taken. `variants` were measured side by side.
    """
    gains = [variant for variant in variants if not variant.is_baseline and is_gain(variant, objective)]
    for is_proven, holds in ((True, is_safe), (False, is_alike_not_proven)):
        held = [variant for variant in gains if holds(variant)]
        best = best_of(held, objective)
        if best is not None:
            return portable_rival(best, held, objective) or best, is_proven
    return None, False


def versions_to_measure(
    variants: Sequence[Variant],
    objective: Objective,
    count: int = 3,
    limit_pct: float = 100.0,
    *,
    few_items: bool = False,
) -> list[Variant]:
    """Return the versions to measure side by side with the original, by their first measurements.

    Versions that look like gains come first, then the best. Clearly slower versions and those that the calibration set
    refuses are left out, and those that will hardly be safe where another one looks like a gain. Where speed is the
    goal and one version is `FAR_AHEAD`, so are those that look no faster than the original. With `few_items` only exact
    numbers can be proven (`is_alike_not_proven`), so more exact versions come first: a single changed result excludes
    the others.
    """
    slowest = (NOT_SLOWER if objective == "size" else 1.0) - TIE_SHARE
    found = [
        variant
        for variant in variants
        if not variant.is_baseline and is_eligible(variant) and expected_speedup(variant) > slowest
    ]
    likely = [variant for variant in found if not is_probably_unsafe(variant, limit_pct)]
    gains = [variant for variant in likely if looks_like_gain(variant, objective)]
    if gains:
        found = likely
    if objective == "speed" and not few_items:
        best = max(map(expected_speedup, gains), default=0.0)
        found = [v for v in found if looks_like_gain(v, objective) or best < FAR_AHEAD * expected_speedup(v)]
    found.sort(
        key=lambda variant: (
            not looks_like_gain(variant, objective), exactness(variant) if few_items else 0, cost_of(variant, objective)
        )
    )  # fmt: skip
    return with_portable(found, count, objective)


def with_portable(ranked: Sequence[Variant], count: int, objective: Objective) -> list[Variant]:
    """Return the first `count`; a gain that fits more targets takes the last place if none is among them.

    A target that needs plain ONNX could otherwise take only the original.
    """
    first = list(ranked[:count])
    other = next((v for v in ranked[count:] if v.is_portable and looks_like_gain(v, objective)), None)
    if count < 2 or other is None or any(v.is_portable for v in first):
        return first
    return [*first[:-1], other]
