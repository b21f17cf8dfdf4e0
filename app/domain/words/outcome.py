"""Put the outcome of a run into sentences, for the window, the command line, the list of jobs and the model card."""

from app.domain.choose import Objective, is_smaller, is_worth_naming, known_speedup
from app.domain.outcome import Ending, Outcome
from app.domain.proof.examples import fewest_examples
from app.domain.variant import Variant
from app.domain.words.results import MEASURE_AGAIN, missing_words, size_words, times
from workers.contracts.architectures import shown
from workers.contracts.wording import capitalized, counted, percent, percent_of, rounded_down

WIDEST = 10.0
"""Largest ratio of an interval's ends that is worth showing."""


def headline(outcome: Outcome, objective: Objective, limit_pct: float) -> str:
    """Return the headline above a comparison."""
    text = sentence(outcome, objective, limit_pct)
    if outcome.ending is Ending.NOTHING_FASTER:
        return f"{text} ({counted(outcome.tried, 'version')} tried, limit {percent_of(limit_pct)})"
    if outcome.ending is Ending.FEW_EXAMPLES:
        return f"{text} (a limit of {percent_of(limit_pct)} takes at least {fewest_examples(limit_pct):,})"
    return text


def sentence(outcome: Outcome, objective: Objective, limit_pct: float) -> str:
    """Return the headline without the number of versions, for pages that show it below."""
    end, best = outcome.end, outcome.best
    if best is not None:
        return recommended_words(best, outcome.ending is Ending.PROVEN, objective, limit_pct)
    if outcome.ending is Ending.BUILT:
        return built_words(outcome)
    if outcome.ending is Ending.BUSY:
        return MEASURE_AGAIN
    if outcome.ending is Ending.UNTESTED:
        first = outcome.untested[-1]
        gain = gain_words(first, objective)
        return f"“{first.title}” is {gain}, its answers are not tested: prove it"
    if outcome.ending is Ending.UNSETTLED:
        first, more = outcome.open[0], "measure longer" if outcome.can_go_on else "measure again"
        return f"“{first.title}” {promise_words(first)}: {more}"
    if outcome.ending is Ending.FEW_EXAMPLES:
        return f"{short_words(outcome)}: add more, or keep the original"
    if outcome.ending is Ending.NOTHING_TRIED:
        return "The time was up before anything could be tried: keep the original, or allow more time"
    if outcome.ending is Ending.NONE_FITS:
        return "No optimization of this goal works on this computer: keep the original, or choose another goal"
    if outcome.ending is Ending.TIME_UP and outcome.partly:
        first = outcome.partly[0]
        tested = _tested_words(first)
        return f"“{first.title}” is {gain_words(first, objective)}, {tested}: {_rest(outcome, 'allow more time')}"
    if outcome.ending is Ending.TIME_UP:
        tried = f"{outcome.tried} of {counted(end.planned, 'version')}"
        found = f"The time was up after {tried}, and none of these was faster and safe"
        return f"{found}: {_rest(outcome, 'allow more time')}"
    what = "Nothing smaller, as fast and safe was found" if objective == "size" else "Nothing faster was safe"
    return f"{what}: keep the original"


def _tested_words(version: Variant) -> str:
    judgement = version.judgement
    n, left = (judgement.n, judgement.n_unasked) if judgement is not None else (0, 0)
    return f"its answers are tested on only {n:,} of {n + left:,} examples"


def short_words(outcome: Outcome) -> str:
    """Return what is known of the most promising version when examples are few."""
    first = outcome.short[0]
    few = counted(outcome.few_items or 0, "example")
    are = "is" if outcome.few_items == 1 else "are"
    gain = f"is {speed_words(first)}" if first.is_side_by_side else "looked faster at first"
    if not is_worth_naming(known_speedup(first)):
        gain = f"{'is' if first.is_side_by_side else 'looked'} smaller and about as fast"
    return f"“{first.title}” {gain}; {few} {are} too few to judge it"


def built_words(outcome: Outcome) -> str:
    """Return what was built for GPUs that this computer lacks."""
    cards = shown(outcome.end.built_for)
    if not outcome.built:
        return f"No engine could be built for {cards}: keep the original"
    built = counted(len(outcome.built), "engine")
    was = "is" if len(outcome.built) == 1 else "are"
    return f"{built} {was} built for {cards}; how fast on such a card is not measured here, so none is recommended"


def recommended_words(best: Variant, proven: bool, objective: Objective, limit_pct: float) -> str:
    """Return the sentence about the recommended version."""
    alike = safe_words(best, limit_pct) if proven else f"and it looks alike, not proven: {missing_words(best)}"
    return f"{capitalized(gain_words(best, objective))}, {alike}"


def safe_words(best: Variant, limit_pct: float) -> str:
    """Return what is proven of a safe version's answers: the same, or changed within the limit."""
    judged = best.judgement
    is_changed = judged is not None and any((judged.changed_count, judged.beside_changed, judged.units_changed))
    return f"within your limit of {percent_of(limit_pct)}" if is_changed else "same answers"


def gain_words(best: Variant, objective: Objective) -> str:
    """Return the gain of a recommended version: speed first, or size if that is the goal and speed is no gain."""
    speed = best.measurement.speedup
    if speed is None:  # a recommended variant was measured side by side with the original
        raise ValueError("a recommended variant has no measured speedup")
    if objective == "size" and is_smaller(best) and not is_worth_naming(speed):
        return f"{smaller_words(best.size_ratio or 1.0)}, about as fast"
    return f"{speed_words(best)}{size_words(best.size_ratio)}"


def speed_words(variant: Variant) -> str:
    """Return ``2.4 times faster``; under load ``at least 1.6 times faster``, since nothing more is certain."""
    measured = variant.measurement
    if measured.under_load and measured.agreed_low is not None:
        return f"at least {rounded_down(measured.agreed_low)} times faster"
    return f"{times(measured.speedup or 0.0)} times faster"


def smaller_words(ratio: float) -> str:
    """Return ``4.0 times smaller``, or small differences in percent."""
    return f"{times(ratio)} times smaller" if ratio >= 1.2 else f"{percent(1 - 1 / ratio, 0)} smaller"


def promise_words(version: Variant) -> str:
    """Return what an undecided version looked like.

    A first measurement at another time than the original's gives no factor.
    """
    measured = version.measurement
    if not is_worth_naming(known_speedup(version)):
        return "looked smaller and about as fast, not sure yet"
    interval = speed_interval(version)
    if interval is None or (measured.under_load and not measured.undisturbed):
        return "looked faster at first, not sure yet"
    return f"looked {times(measured.speedup or 0.0)} times faster ({range_words(*interval)}), not sure yet"


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
    return f"{low:.2f} to {high:.2f}" if high < 2 else f"{times(low)} to {times(high)}"


def _rest(outcome: Outcome, more: str) -> str:
    return f"{more}, or keep the original" if outcome.can_go_on else "keep the original"
