"""Sentences about results. Only figures that were measured are ever put into words."""

from collections.abc import Sequence
from datetime import datetime

from app.domain.choose import Objective, is_gain, is_safe, is_slower
from app.domain.screening import Untested
from app.domain.sizes import bytes_words
from app.domain.standing import Standing, standing_of
from app.domain.variant import Measurement, Variant
from workers.contracts.disturbed import BUSY_SHARE
from workers.contracts.wording import about, percent, percent_of

VERDICT_WORDS = {
    "safe": "Safe to ship",
    "regressed": "Silent regression",
    "not_enough_data": "Not enough data",
    "unmeasured": "Not compared",
}


def times(ratio: float) -> str:
    """``3.4`` below ten, whole above."""
    return f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"


def size_words(ratio: float | None) -> str:
    """How much smaller, only when it is at least 1.2 times."""
    if ratio is None or ratio < 1.2:
        return ""
    return f", {times(ratio)} times smaller"


UNTESTED_WORDS: dict[Untested, str] = {
    "dominated": "A safe version is as fast: not tested",
    "behind": "Not tested: one before it in the order of testing was not safe; prove it alone",
    "no_time": "Not tested: the time was up before; prove it",
}
"""Why a gain has no verdict."""

STANDING_WORDS: dict[Standing, str] = {
    Standing.DROPPED: "Could not be used",
    Standing.REGRESSED: VERDICT_WORDS["regressed"],
    Standing.NOT_SETTLED: "Speed not settled",
    Standing.SLOW_TAIL: "Slower for one in ten",
    Standing.NOT_FASTER: "Not faster here",
    Standing.ALIKE_SLOWER: "Answers alike, slower",
    Standing.UNCONFIRMED: "Answers alike, gain not confirmed",
    Standing.SAFE: VERDICT_WORDS["safe"],
    Standing.ALIKE: "Alike, not proven",
    Standing.NOT_ON_CARD: "Not run on a card yet",
    Standing.NOT_ENOUGH_DATA: VERDICT_WORDS["not_enough_data"],
    Standing.NOT_TESTED: "Not tested",
    Standing.UNMEASURED: VERDICT_WORDS["unmeasured"],
}
"""A version's result in two to five words, the same on every page and on the command line."""


def screened_words(variant: Variant) -> str:
    """What the calibration examples told of a version, in a few words; "" where they were not asked."""
    screening = variant.screening
    if screening is None or not screening.n:
        return ""
    if not screening.changed:
        return "no result changed in calibration"
    return f"{screening.changed:,} of {screening.n:,} results changed in calibration"


def verdict_words(variant: Variant, objective: Objective = "speed") -> str:
    """Return the result of a version that is not the original in two to five words."""
    return STANDING_WORDS[standing_of(variant, objective)]


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
    were not asked come first.
    """
    if variant.judgement is None:
        return "prove it"
    if variant.judgement.n_unasked and not variant.judgement.missing_examples:
        return f"ask the other {variant.judgement.n_unasked:,} examples"
    missing = variant.judgement.missing_examples
    return f"add about {missing:,} examples" if missing else "add more examples"


def proof_words(variant: Variant, limit_pct: float) -> str:
    """What was found of a model that was judged beside an original: the verdict, and how fast it was. That is told and
    judges nothing.
    """
    told = [verdict_found(variant, f" (limit {percent_of(limit_pct)})")]
    if variant.measurement.speedup:
        told.append(f"{times(variant.measurement.speedup)} times as fast as the original beside it")
    return f"{variant.title}: {'; '.join(told)}"


def verdict_found(variant: Variant, limit: str = "") -> str:
    """The verdict of it with what it rests on, and what is missing where it says too little."""
    judged = variant.judgement.verdict if variant.judgement is not None else "unmeasured"
    missing = f"; {missing_words(variant)}" if judged == "not_enough_data" else ""
    return f"{VERDICT_WORDS[judged]}{limit}: {same_words(variant)}{missing}"


def other_goals_words(titles: Sequence[str]) -> str:
    """Said of a language model under a goal that was not made for one."""
    named = ", ".join(f"“{title}”" for title in titles)
    return f"This goal tries little that helps a language model; these goals are made for one: {named}."


BUSY_WORDS = "measured while other programs kept the computer busy"

MEASURE_AGAIN = "No verdict yet: other programs kept the computer busy, measure again when it is idle"
"""The one sentence above a comparison in which load, and nothing else, left open what is faster."""


def why_not(variant: Variant, limit_pct: float, objective: Objective = "speed") -> str:
    """Return why a version was not recommended, in a few words."""
    standing = standing_of(variant, objective)
    if standing is Standing.REGRESSED:
        return f"Beyond your limit of {percent_of(limit_pct)}"
    if standing is Standing.NOT_SETTLED:
        return "Measure again when the computer is idle"
    if standing is Standing.DROPPED and variant.notes:
        return variant.notes[0]
    if standing is Standing.SLOW_TAIL:
        return tail_words(variant)
    if is_slower(variant) or (variant.is_side_by_side and not is_gain(variant, objective)):
        return "Not faster on this computer"
    if variant.judgement is None and variant.untested:
        return UNTESTED_WORDS[variant.untested]
    return STANDING_WORDS[standing]


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
    if busy_share is None or busy_share < BUSY_SHARE:
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
