"""Put the outcome of a run into sentences, for the window, the command line, the list of jobs and the model card."""

from app.domain.choose import Objective, is_probably_unsafe, is_smaller, is_worth_naming, known_speedup
from app.domain.outcome import Ending, Outcome, first_open
from app.domain.proof.examples import fewest_examples
from app.domain.variant import Variant
from app.domain.words.results import MEASURE_AGAIN, missing_words, size_words, times
from workers.contracts.architectures import shown
from workers.contracts.translation import _, joined, ngettext
from workers.contracts.wording import capitalized, percent, percent_of, rounded_down

WIDEST = 10.0
"""Largest ratio of an interval's ends that is worth showing."""


def headline(outcome: Outcome, objective: Objective, limit_pct: float) -> str:
    """Return the headline above a comparison."""
    text = sentence(outcome, objective, limit_pct)
    if outcome.ending is Ending.NOTHING_FASTER:
        tried = ngettext("{0:,} version tried", "{0:,} versions tried", outcome.tried).format(outcome.tried)
        return _("{0} ({1}, limit {2})").format(text, tried, percent_of(limit_pct))
    if outcome.ending is Ending.FEW_EXAMPLES:
        return _("{0} (a limit of {1} takes at least {2:,})").format(
            text, percent_of(limit_pct), fewest_examples(limit_pct)
        )
    return text


def sentence(outcome: Outcome, objective: Objective, limit_pct: float) -> str:
    """Return the headline without the number of versions, for pages that show it below."""
    end, best = outcome.end, outcome.best
    if best is not None:
        return recommended_words(best, outcome.ending is Ending.PROVEN, objective, limit_pct)
    if outcome.ending is Ending.BUILT:
        return built_words(outcome)
    if outcome.ending is Ending.BUSY:
        return _(MEASURE_AGAIN)
    if outcome.ending is Ending.UNTESTED:
        first, gain = outcome.untested[-1], gain_words(outcome.untested[-1], objective)
        if is_probably_unsafe(first, limit_pct):
            return _doubtful_words(first, limit_pct, _("prove it"))
        return _("“{0}” is {1}, its answers are not tested: prove it").format(_(first.title), gain)
    if outcome.ending is Ending.UNSETTLED:
        first, more = first_open(outcome, limit_pct), _("measure longer") if outcome.can_go_on else _("measure again")
        if first.judgement is None and is_probably_unsafe(first, limit_pct):
            return _doubtful_words(first, limit_pct, _rest(outcome, _("allow more time")))
        return _("“{0}” {1}: {2}").format(_(first.title), promise_words(first), more)
    if outcome.ending is Ending.FEW_EXAMPLES:
        return _("{0}: add more, or keep the original").format(short_words(outcome))
    if outcome.ending is Ending.NOTHING_TRIED:
        return _("The time was up before anything could be tried: keep the original, or allow more time")
    if outcome.ending is Ending.NONE_FITS:
        return _("No optimization of this goal works on this computer: keep the original, or choose another goal")
    if outcome.ending is Ending.TIME_UP and outcome.partly:
        first = outcome.partly[0]
        tested = _tested_words(first)
        return _("“{0}” is {1}, {2}: {3}").format(
            _(first.title), gain_words(first, objective), tested, _rest(outcome, _("allow more time"))
        )
    if outcome.ending is Ending.TIME_UP:
        found = ngettext(
            "The time was up after {0} of {1} version, and none of these was faster and safe",
            "The time was up after {0} of {1} versions, and none of these was faster and safe",
            end.planned,
        ).format(outcome.tried, end.planned)
        return joined([found, _rest(outcome, _("allow more time"))], ": ")
    if objective == "size":
        return _("Nothing smaller, as fast and safe was found: keep the original")
    return _("Nothing faster was safe: keep the original")


def _doubtful_words(version: Variant, limit_pct: float, advice: str) -> str:
    text = _("“{0}” looked faster at first, but probably changes more than your limit of {1}: {2}")
    return text.format(_(version.title), percent_of(limit_pct), advice)


def _tested_words(version: Variant) -> str:
    judgement = version.judgement
    n, left = (judgement.n, judgement.n_unasked) if judgement is not None else (0, 0)
    return _("its answers are tested on only {0:,} of {1:,} examples").format(n, n + left)


def short_words(outcome: Outcome) -> str:
    """Return what is known of the most promising version when examples are few."""
    first = outcome.short[0]
    few = outcome.few_items or 0
    gain = _("is {0}").format(speed_words(first)) if first.is_side_by_side else _("looked faster at first")
    if not is_worth_naming(known_speedup(first)):
        measured, first_look = _("is smaller and about as fast"), _("looked smaller and about as fast")
        gain = measured if first.is_side_by_side else first_look
    text = ngettext(
        "“{0}” {1}; {2:,} example is too few to judge it", "“{0}” {1}; {2:,} examples are too few to judge it", few
    )
    return text.format(_(first.title), gain, few)


def built_words(outcome: Outcome) -> str:
    """Return what was built for GPUs that this computer lacks."""
    cards = shown(outcome.end.built_for)
    if not outcome.built:
        return _("No engine could be built for {0}: keep the original").format(cards)
    return ngettext(
        "{0} engine is built for {1}; how fast on such a card is not measured here, so none is recommended",
        "{0} engines are built for {1}; how fast on such a card is not measured here, so none is recommended",
        len(outcome.built),
    ).format(len(outcome.built), cards)


def recommended_words(best: Variant, proven: bool, objective: Objective, limit_pct: float) -> str:
    """Return the sentence about the recommended version."""
    alike = (
        safe_words(best, limit_pct) if proven else _("and it looks alike, not proven: {0}").format(missing_words(best))
    )
    return _("{0}, {1}").format(capitalized(gain_words(best, objective)), alike)


def safe_words(best: Variant, limit_pct: float) -> str:
    """Return what is proven of a safe version's answers: the same, or changed within the limit."""
    judged = best.judgement
    is_changed = judged is not None and any((judged.changed_count, judged.beside_changed, judged.units_changed))
    return _("within your limit of {0}").format(percent_of(limit_pct)) if is_changed else _("same answers")


def gain_words(best: Variant, objective: Objective) -> str:
    """Return the gain of a recommended version: speed first, or size if that is the goal and speed is no gain."""
    speed = best.measurement.speedup
    if speed is None:  # a recommended variant was measured side by side with the original
        raise ValueError("a recommended variant has no measured speedup")
    if objective == "size" and is_smaller(best) and not is_worth_naming(speed):
        return _("{0}, about as fast").format(smaller_words(best.size_ratio or 1.0))
    return joined([speed_words(best), size_words(best.size_ratio)], "")


def speed_words(variant: Variant) -> str:
    """Return ``2.4 times faster``; under load ``at least 1.6 times faster``, since nothing more is certain."""
    measured = variant.measurement
    if measured.under_load and measured.agreed_low is not None:
        return _("at least {0} times faster").format(rounded_down(measured.agreed_low))
    return _("{0} times faster").format(times(measured.speedup or 0.0))


def smaller_words(ratio: float) -> str:
    """Return ``4.0 times smaller``, or small differences in percent."""
    return (
        _("{0} times smaller").format(times(ratio))
        if ratio >= 1.2
        else _("{0} smaller").format(percent(1 - 1 / ratio, 0))
    )


def promise_words(version: Variant) -> str:
    """Return what an undecided version looked like.

    A first measurement at another time than the original's gives no factor.
    """
    measured = version.measurement
    if not is_worth_naming(known_speedup(version)):
        return _("looked smaller and about as fast, not sure yet")
    interval = speed_interval(version)
    if interval is None or (measured.under_load and not measured.undisturbed):
        return _("looked faster at first, not sure yet")
    return _("looked {0} times faster ({1}), not sure yet").format(
        times(measured.speedup or 0.0), range_words(*interval)
    )


def speed_interval(version: Variant) -> tuple[float, float] | None:
    """Return the interval of a speedup measured in turn with the original.

    It is None where the ends are more than `WIDEST` times apart: two short sets gave 0.0 to 346, which tells nothing.
    """
    low, high = version.measurement.speedup_low, version.measurement.speedup_high
    if not version.is_side_by_side or low is None or high is None or high > WIDEST * low:
        return None
    return low, high


def range_words(low: float, high: float) -> str:
    """Return the interval of a speedup: ``0.9 to 1.3``."""
    return _("{0:.2f} to {1:.2f}").format(low, high) if high < 2 else _("{0} to {1}").format(times(low), times(high))


def _rest(outcome: Outcome, more: str) -> str:
    return _("{0}, or keep the original").format(more) if outcome.can_go_on else _("keep the original")
