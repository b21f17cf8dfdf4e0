"""Put a load record into sentences; every figure in them was measured."""

from app.domain.words.results import times
from app.services.after.loading.loading import Stage, best_per_s, busiest
from app.services.records.load import LoadRecord
from workers.contracts.after.load import CapacityResult
from workers.contracts.disturbed import BUSY_SHARE
from workers.contracts.wording import about as expected
from workers.contracts.wording import percent


def headline(record: LoadRecord) -> str:
    """Return the requests per second, compared with the original's if both were measured side by side."""
    paired, variant = record.paired, record.variant
    if variant is None or paired is None:
        version = variant or record.original
        per_s = best_per_s(version)
        if per_s is None:
            return f"“{version.title}” gave no valid measurement on this computer."
        return f"On this computer “{version.title}” answers about {about(per_s)} requests a second."
    start = f"On this computer “{variant.title}” answers about {about(paired.variant_per_s)} requests a second"
    low, high = paired.ratio_low, paired.ratio_high
    if low is not None and high is not None and low <= 1 <= high:
        return f"{start}, as many as the original as far as can be told."
    return f"{start}, {times(paired.ratio)} times the original's."


def plan_words(plan: tuple[Stage, ...], seconds: float) -> str:
    """Return how long the measurement takes as a whole: `seconds` is the time of one of its steps."""
    total_s = sum(stage.expected_s for stage in plan)
    return f"{len(plan)} steps of {seconds:g} s or more each, {expected(total_s)} in all."


def about(per_s: float) -> str:
    """Return a rate with three significant digits: 1,350; 42.1; 0.731."""
    if per_s >= 100:
        digits = len(str(int(per_s))) - 3
        return f"{round(per_s, -digits):,.0f}"
    return f"{per_s:.3g}"


def capacity_words(found: CapacityResult) -> str:
    """Return the highest rate within the limit, the lowest above it, and whether predictions changed under load."""
    limit = f"99 % within {found.limit_ms:g} ms"
    if found.per_s is None:
        untold = any(one.kept is None for one in found.tries)
        said = (
            f"too few requests to say how many are answered {limit}: measure longer"
            if untold
            else f"even {about(found.too_many_per_s or 0.0)} requests a second are too many for {limit}"
        )
    else:
        said = f"{about(found.per_s)} requests a second, {limit}"
        if found.too_many_per_s is not None:
            said += f"; {about(found.too_many_per_s)} were too many"
    if found.compared:
        said += (
            f"; all {found.compared:,} answers under load as one at a time"
            if not found.changed
            else f"; {found.changed:,} of {found.compared:,} answers under load were others than one at a time"
        )
    return f"{said}."


def busy_words(record: LoadRecord) -> str:
    """Return a warning if other programs may have lowered the figures, else ""."""
    share = busiest(record)
    if share is None or share < BUSY_SHARE:
        return ""
    return (
        f"Other programs used up to {percent(share, 0)} of the processor meanwhile, so the figures may be too low: "
        "measure again when the computer is quiet."
    )
