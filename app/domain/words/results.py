"""Put results into sentences, with measured figures only."""

from collections.abc import Sequence
from datetime import datetime

from app.domain.choose import Objective, is_gain, is_safe, is_slower
from app.domain.standing import Standing, standing_of
from app.domain.variant import Measurement, Untested, Variant
from workers.contracts.disturbed import BUSY_SHARE
from workers.contracts.measured.sizes import bytes_words
from workers.contracts.specs import Judgement, TaskScore
from workers.contracts.translation import _, joined, local_number, localized, mark
from workers.contracts.wording import about, duration, percent, percent_of

VERDICT_WORDS = {
    "safe": mark("Safe to ship"),
    "regressed": mark("Silent regression"),
    "not_enough_data": mark("Not enough data"),
    "unmeasured": mark("Not compared"),
}


def times(ratio: float) -> str:
    """Return a ratio: ``3.4`` below ten, whole above."""
    return localized(ratio, ".1f" if ratio < 10 else ".0f")


def size_words(ratio: float | None) -> str:
    """Return how much smaller a version is, "" below 1.2 times."""
    if ratio is None or ratio < 1.2:
        return ""
    return _(", {0} times smaller").format(times(ratio))


UNTESTED_WORDS: dict[Untested, str] = {
    "dominated": mark("A safe version is as fast: not tested"),
    "behind": mark("Not tested: one before it in the order of testing was not safe; prove it alone"),
    "no_time": mark("Not tested: the time was up before; prove it"),
}
"""Reasons why a gain has no verdict."""

STANDING_WORDS: dict[Standing, str] = {
    Standing.DROPPED: mark("Could not be used"),
    Standing.CUT_OFF: mark("Not ready in time"),
    Standing.REGRESSED: VERDICT_WORDS["regressed"],
    Standing.NOT_SETTLED: mark("Speed not settled"),
    Standing.SLOW_TAIL: mark("Slower for one in ten"),
    Standing.NOT_FASTER: mark("Not faster here"),
    Standing.ALIKE_SLOWER: mark("Answers alike, slower"),
    Standing.UNCONFIRMED: mark("Answers alike, gain not confirmed"),
    Standing.SAFE: VERDICT_WORDS["safe"],
    Standing.ALIKE: mark("Alike, not proven"),
    Standing.NOT_ON_CARD: mark("Not run on a card yet"),
    Standing.NOT_ENOUGH_DATA: VERDICT_WORDS["not_enough_data"],
    Standing.NOT_TESTED: mark("Not tested"),
    Standing.UNMEASURED: VERDICT_WORDS["unmeasured"],
}
"""A version's standing in two to five words, the same on every page and on the command line."""


def screened_words(variant: Variant) -> str:
    """Return the changes on the calibration set in a few words, "" if it was not evaluated."""
    screening = variant.screening
    if screening is None or not screening.n:
        return ""
    if not screening.changed:
        return _("no result changed in calibration")
    return _("{0:,} of {1:,} results changed in calibration").format(screening.changed, screening.n)


def verdict_words(variant: Variant, objective: Objective = "speed") -> str:
    """Return the standing of a version other than the original in two to five words."""
    return _(STANDING_WORDS[standing_of(variant, objective)])


def same_words(variant: Variant) -> str:
    """Return how many answers stayed the same; "same answers" only if none changed. A regression counts as proven."""
    judged = variant.judgement
    if judged is None:
        return _("answers not compared")
    if not judged.n:
        return _("nothing to compare")
    if judged.units is not None and judged.units_changed is not None:
        kept = judged.units - judged.units_changed
        text = (
            _("{0:,} of {1:,} next words kept").format(kept, judged.units)
            if judged.units_changed
            else _("next words kept")
        )
        return text if is_safe(variant) or judged.verdict == "regressed" else _("{0}, not proven").format(text)
    if not judged.changed_count and judged.verdict == "regressed":
        return _("worse by what is right")
    if not judged.changed_count:
        text = _("same answers")
    else:
        text = _("{0:,} of {1:,} answers the same").format(judged.n - judged.changed_count, judged.n)
    return text if is_safe(variant) or judged.verdict == "regressed" else _("{0}, not proven").format(text)


def missing_words(variant: Variant) -> str:
    """Return ``add about 280 examples`` if the missing number is known and more would help.

    Existing examples without a prediction come first.
    """
    if variant.judgement is None:
        return _("prove it")
    if variant.judgement.n_unasked:
        return _("ask the other {0:,} examples").format(variant.judgement.n_unasked)
    missing = variant.judgement.missing_examples
    return _("add about {0:,} examples").format(missing) if missing else _("add more examples")


def proof_words(variant: Variant, limit_pct: float) -> str:
    """Return the verdict on a model judged against an original, and its speed, which decides nothing."""
    report = [verdict_found(variant, _(" (limit {0})").format(percent_of(limit_pct)))]
    if variant.measurement.speedup:
        report.append(_("{0} times as fast as the original beside it").format(times(variant.measurement.speedup)))
    return joined([_(variant.title), joined(report, "; ")], ": ")


def verdict_found(variant: Variant, limit: str = "") -> str:
    """Return the verdict with its basis, and what is missing if there is too little data."""
    judged = variant.judgement.verdict if variant.judgement is not None else "unmeasured"
    verdict = joined([_(VERDICT_WORDS[judged]), limit], "")
    missing = missing_words(variant) if judged == "not_enough_data" else ""
    return joined([joined([verdict, same_words(variant)], ": "), missing], "; ")


def other_goals_words(titles: Sequence[str]) -> str:
    """Return the advice for a language model under a goal that was not made for one."""
    named = joined((_("“{0}”").format(_(title)) for title in titles), ", ")
    return _("This goal tries little that helps a language model; these goals are made for one: {0}.").format(named)


NO_AVX2 = mark(
    "This processor has no AVX2, which engines need for their speed: expect small gains, above all in 8 bits."
)
"""The warning of a run on an x86 processor without AVX2."""

OTHER_PROGRAMS = mark("Other programs were running; measure again when the computer is idle.")
"""The caption of a result whose speed is a lower bound, because other programs disturbed it."""

MEASURE_AGAIN = mark("No verdict yet: measure again when the computer is idle")
"""The headline of a comparison that other programs alone left undecided."""


def why_not(variant: Variant, limit_pct: float, objective: Objective = "speed") -> str:
    """Return why a version was not recommended, in a few words."""
    standing = standing_of(variant, objective)
    if standing is Standing.REGRESSED:
        return _("Beyond your limit of {0}").format(percent_of(limit_pct))
    if standing is Standing.NOT_SETTLED:
        return _("Measure again when the computer is idle")
    if standing in (Standing.DROPPED, Standing.CUT_OFF) and variant.notes:
        return variant.notes[0]
    if standing is Standing.SLOW_TAIL:
        return tail_words(variant)
    if is_slower(variant) or (variant.is_side_by_side and not is_gain(variant, objective)):
        return _("Not faster where it was measured")
    if variant.judgement is None and variant.untested:
        return _(UNTESTED_WORDS[variant.untested])
    return _(STANDING_WORDS[standing])


def tail_words(variant: Variant) -> str:
    """Return how its slow requests compare with the original's, if they prevent it from counting as faster."""
    ratio = 1 / (variant.measurement.p90_speedup or 1.0)
    return _("Not faster: one request in ten takes {0:.2f} times as long as with the original (p90)").format(ratio)


def busy_words(measurement: Measurement) -> str:
    """Return how other programs affected the figures, "" if hardly."""
    share = measurement.busy_share
    if not measurement.under_load and (share is None or share < BUSY_SHARE):
        return ""
    is_known = share is not None and share >= BUSY_SHARE  # else only the original's turns were disturbed
    part = _(" ({0} of it)").format(percent(share or 0.0, 0)) if is_known else ""
    return _(
        "Other programs kept the computer busy while it was measured{0}: on a quiet one the times may differ."
    ).format(part)


def waiting_words(busy_share: float | None) -> str:
    """Return the status of a run that waits for other programs."""
    if busy_share is None or busy_share < BUSY_SHARE:
        return _("Looking whether the computer is quiet")
    return _("Waiting for the computer to be quiet: other programs use {0}").format(percent(busy_share, 0))


def taken_words(when: datetime) -> str:
    """Return the time of an earlier measurement as text, in the computer's local time."""
    local = when.astimezone()
    return _("Measured on {0} at {1}").format(f"{local:%Y-%m-%d}", f"{local:%H:%M}")


def earlier_words(measurement: Measurement) -> str:
    """Return the note for figures of an earlier measurement, "" if this run measured."""
    when = measurement.taken_at
    return "" if when is None else _("{0}, and not measured again since nothing has changed.").format(taken_words(when))


def day_words(when: datetime) -> str:
    """Return the day of a measurement in a few words, for a line of a list."""
    return _("measured on {0}").format(f"{when.astimezone():%Y-%m-%d}")


CLEARLY_LONGER = 1.25


def forecast_words(seconds: float, memory_bytes: int, limit_s: float | None = None) -> str:
    """Return a forecast as text: ``about 1½ minutes and at most 4 min, 900 MB of memory``.

    The run's time limit `limit_s` is added where it is at least `CLEARLY_LONGER` times the forecast, which leaves out
    steps that learn: they run only where quicker steps find nothing safe, and then use the rest of the time.
    """
    rounded = float(f"{memory_bytes:.1g}") if memory_bytes < 1_000_000_000 else float(f"{memory_bytes:.2g}")
    if limit_s is None or limit_s < CLEARLY_LONGER * seconds:
        return _("{0}, {1} of memory").format(about(seconds), bytes_words(rounded))
    return _("{0} and at most {1}, {2} of memory").format(about(seconds), duration(limit_s), bytes_words(rounded))


def short_of_memory(memory_bytes: int, free_bytes: int) -> str:
    """Return advice if a run will probably need more memory than is free, else ""."""
    if memory_bytes <= free_bytes:
        return ""
    return _(
        "That is more than the {0} of memory that are free now: close other programs first, or take a smaller model."
        " A step that runs out of memory is stopped and reported, and finished steps are kept."
    ).format(bytes_words(free_bytes))


MOST = 4


def score_sentences(judgement: Judgement | None) -> tuple[str, ...]:
    """Return one sentence per score, at most `MOST`, and one about the part that lost most."""
    if judgement is None:
        return ()
    lines = [score_sentence(score) for score in judgement.scores[:MOST]]
    if judgement.worst_slice is not None and (judgement.worst_slice_drop or 0) > 0:
        lines.append(_worst(judgement))
    return tuple(lines)


def score_sentence(score: TaskScore) -> str:
    """Return ``Right answers: 91.2 %, the original 91.4 % (change −0.6 to +0.2 points).``, for example."""
    now = value_words(score.optimized, score.unit)
    if score.original is None:
        return _("{0}: {1}, by the original’s answers{2}.").format(_(score.title), now, _range(score))
    return _("{0}: {1}, the original {2}{3}.").format(
        _(score.title), now, value_words(score.original, score.unit), _range(score)
    )


def value_words(value: float, unit: str) -> str:
    """Return a score in its unit as text."""
    if unit == "share":
        return percent(value)
    return _("{0:.1f} dB").format(value) if unit == "dB" else localized(value, ".3g")


def _range(score: TaskScore) -> str:
    if score.low is None or score.high is None:
        return ""
    if score.original is None:
        return _(" ({0} to {1})").format(value_words(score.low, score.unit), value_words(score.high, score.unit))
    low, high = (_signed(value, score.unit) for value in (score.low, score.high))
    return (_(" (change {0} to {1} points)") if score.unit == "share" else _(" (change {0} to {1})")).format(low, high)


def _signed(value: float, unit: str) -> str:
    text = f"{abs(100 * value):.1f}" if unit == "share" else f"{abs(value):.3g}"
    sign = "" if not float(text) else "−" if value < 0 else "+"
    return f"{sign}{local_number(text)}"


def _worst(judgement: Judgement) -> str:
    part = judgement.slices[0]
    loss = percent(part.drop)
    if judgement.labelled:
        return _("Lost most: {0}, {1} fewer of its {2:,} are right.").format(part.name, loss, part.n)
    return _("Changed most: {0}, {1} of its {2:,} answers.").format(part.name, loss, part.n)
