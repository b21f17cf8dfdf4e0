"""Sentences about results. Only figures that were measured are ever put into words."""

from datetime import datetime

from app.domain.choose import (
    has_slow_tail,
    is_alike_not_proven,
    is_faster,
    is_regressed,
    is_safe,
    is_slower,
    needs_quiet,
)
from app.domain.screening import Untested
from app.domain.sizes import bytes_words
from app.domain.variant import Measurement, Variant
from workers.contracts.disturbed import BUSY_SHARE
from workers.contracts.wording import about, percent, percent_of

VERDICT_WORDS = {
    "safe": "Safe to ship",
    "regressed": "Silent regression",
    "not_enough_data": "Not enough data",
    "unmeasured": "Not compared",
}


NOT_ON_ITS_ENGINE = "Not run on a card yet"
"""What was built for a card that is not here; another engine gave its answers."""


def times(ratio: float) -> str:
    """``3.4`` below ten, whole above."""
    return f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"


def size_words(ratio: float | None) -> str:
    """How much smaller, only when it is at least 1.2 times."""
    if ratio is None or ratio < 1.2:
        return ""
    return f", {times(ratio)} times smaller"


UNTESTED_WORDS: dict[Untested, str] = {
    "dominated": "Another version is as fast and was tested before it",
    "behind": "One before it in the order of testing was not safe: add examples, or prove it alone",
    "no_time": "The time was up before it was tested: prove it",
}
"""Why a gain has no verdict."""


def untested_words(variant: Variant) -> str:
    """The verdict of a version whose answers to the test examples were not looked at."""
    if is_regressed(variant):
        return VERDICT_WORDS["regressed"]
    if is_slower(variant):
        return "Not faster, not tested"
    return VERDICT_WORDS["unmeasured"] if variant.screening is None else "Not tested"


def screened_words(variant: Variant) -> str:
    """What the calibration examples told of a version, in a few words; "" where they were not asked."""
    screening = variant.screening
    if screening is None or not screening.n:
        return ""
    if screening.regressed:
        return f"{percent(screening.share, 0)} of results changed"
    if not screening.changed:
        return "no result changed in calibration"
    return f"{screening.changed:,} of {screening.n:,} results changed in calibration"


def verdict_words(variant: Variant) -> str:
    """The verdict in two or three words."""
    if variant.judgement is None and not is_alike_not_proven(variant):
        return untested_words(variant)
    if is_alike_not_proven(variant):
        return "Alike, not proven"
    if needs_quiet(variant):
        return "Answers alike, speed not settled"
    if is_safe(variant) and is_slower(variant):
        return "Answers alike, slower"
    if is_safe(variant) and has_slow_tail(variant):
        return "Answers alike, slower for one request in ten"
    if is_safe(variant) and not variant.is_side_by_side:
        return "Answers alike"  # whether it is faster is not known yet
    assert variant.judgement is not None  # what was not tested was told above
    if variant.judgement.verdict == "unmeasured" and variant.judgement.n:
        return NOT_ON_ITS_ENGINE
    return VERDICT_WORDS[variant.judgement.verdict]


def same_words(variant: Variant) -> str:
    """How many answers stayed the same; "same answers" only where none changed. A regression is proven, too."""
    judged = variant.judgement
    if judged is None:
        return "answers not compared"
    if not judged.n:
        return "nothing to compare"
    if judged.units is not None and judged.units_changed is not None:
        kept = judged.units - judged.units_changed
        said = f"{kept:,} of {judged.units:,} next words kept" if judged.units_changed else "next words kept"
        return said if is_safe(variant) or judged.verdict == "regressed" else f"{said}, not proven"
    if not judged.changed_count and judged.verdict == "regressed":
        return "worse by what is right"
    if not judged.changed_count:
        said = "same answers"
    else:
        said = f"{judged.n - judged.changed_count:,} of {judged.n:,} answers the same"
    return said if is_safe(variant) or judged.verdict == "regressed" else f"{said}, not proven"


def missing_words(variant: Variant) -> str:
    """``add about 280 examples``, where it is known how many are missing and more would help. Those that are there and
    were not asked come first."""
    if variant.judgement is None:
        return "prove it"
    if variant.judgement.n_unasked and not variant.judgement.missing_examples:
        return f"ask the other {variant.judgement.n_unasked:,} examples"
    missing = variant.judgement.missing_examples
    return f"add about {missing:,} examples" if missing else "add more examples"


def proof_words(variant: Variant, limit_pct: float) -> str:
    """What was found of a model that was judged beside an original: the verdict, and how fast it was. That is told and
    judges nothing."""
    told = [verdict_found(variant, f" (limit {percent_of(limit_pct)})")]
    if variant.measurement.speedup:
        told.append(f"{times(variant.measurement.speedup)} times as fast as the original beside it")
    return f"{variant.title}: {'; '.join(told)}"


def verdict_found(variant: Variant, limit: str = "") -> str:
    """The verdict of it with what it rests on, and what is missing where it says too little."""
    judged = variant.judgement.verdict if variant.judgement is not None else "unmeasured"
    missing = f"; {missing_words(variant)}" if judged == "not_enough_data" else ""
    return f"{VERDICT_WORDS[judged]}{limit}: {same_words(variant)}{missing}"


BUSY_WORDS = "measured while other programs kept the computer busy"

MEASURE_AGAIN = "Other programs kept the computer busy: keep the original, and measure again when the computer is quiet"
"""The one sentence above a comparison in which load, and nothing else, left open what is faster."""


def why_not(variant: Variant, limit_pct: float) -> str:
    """Why a variant was not recommended, in a few words."""
    if is_regressed(variant):
        return f"Beyond your limit of {percent_of(limit_pct)}"
    if needs_quiet(variant):
        return "Measure again when the computer is quiet"
    if variant.state == "dropped" and variant.notes:
        return variant.notes[0]
    if not is_slower(variant) and has_slow_tail(variant):
        return tail_words(variant)
    if is_slower(variant) or (variant.is_side_by_side and not is_faster(variant)):
        return "Not faster on this computer"
    if variant.judgement is None and variant.screening is not None and variant.screening.untested:
        return UNTESTED_WORDS[variant.screening.untested]
    return verdict_words(variant)


def tail_words(variant: Variant) -> str:
    """What its slow requests are like beside the original's, where they keep it from being called faster."""
    ratio = 1 / (variant.measurement.p90_speedup or 1.0)
    return f"Not faster: one request in ten takes {ratio:.2f} times as long as with the original (p90)"


def busy_words(measurement: Measurement) -> str:
    """What other programs did to the figures; "" where they hardly did anything."""
    share = measurement.busy_share
    if not measurement.under_load and (share is None or share < BUSY_SHARE):
        return ""
    part = "" if share is None or share < BUSY_SHARE else f" ({percent(share, 0)} of it)"  # the original's turns had it
    return f"Other programs kept this computer busy while it was measured{part}: on a quiet one the times may differ."


def waiting_words(busy_share: float | None) -> str:
    """Said while a run waits for other programs."""
    if busy_share is None:
        return "Looking whether the computer is quiet"
    return f"Waiting for the computer to be quiet: other programs use {percent(busy_share, 0)}"


_MEASURED = "Measured on "


def measured_words(when: datetime) -> str:
    """Said of figures that were not taken now, in this computer's own time."""
    return f"{_MEASURED}{when.astimezone():%Y-%m-%d at %H:%M}, and not measured again since nothing has changed."


def day_words(when: datetime) -> str:
    """The same in a few words, for a line in a list."""
    return f"measured on {when.astimezone():%Y-%m-%d}"


def is_measured_words(text: str) -> bool:
    """Whether a note says when something was measured."""
    return text.startswith(_MEASURED)


def forecast_words(seconds: float, memory_bytes: int) -> str:
    """``about 1½ minutes, 900 MB of memory``."""
    rounded = float(f"{memory_bytes:.1g}") if memory_bytes < 1_000_000_000 else float(f"{memory_bytes:.2g}")
    return f"{about(seconds)}, {bytes_words(rounded)} of memory"


def short_of_memory(memory_bytes: int, free_bytes: int) -> str:
    """What to do where a run will likely need more memory than is free; "" where it will not."""
    if memory_bytes <= free_bytes:
        return ""
    return (
        f"That is more than the {bytes_words(free_bytes)} of memory that are free now: close other programs first, or"
        " take a smaller model. A step that runs short is stopped and told, and what was finished stays."
    )
