"""How a run ended, as pages show it: what stands below the headline, and whether more time is offered."""

import math

from app.controllers.words import tr
from app.domain.outcome import Ending, Outcome
from app.domain.proof.examples import least_to_tell
from app.domain.words.results import times
from widgets.pages.compare.value import GoOnValue
from widgets.parts.format import percent_of

LEAST_MINUTES = 5
"""Less would often end the same way once more."""


def go_on_value(outcome: Outcome) -> GoOnValue | None:
    """The minutes that are offered, and what for; None where more time would change nothing."""
    more_s = outcome.end.more_s
    if more_s is None:
        return None
    minutes = max(LEAST_MINUTES, math.ceil(more_s / 60))
    if outcome.open and outcome.best is not None:
        why = tr("“{0}” looked better still at a first look; there was no time to measure it beside the original.")
        return GoOnValue(minutes, why.format(outcome.open[0].title))
    if outcome.best is not None:
        return GoOnValue(minutes, _untried_words(outcome.end.untried))
    return GoOnValue(minutes)


def kept_subtitle(outcome: Outcome, n: int, things: str, limit_pct: float) -> str:
    """Below a headline that keeps the original. `n` test examples, of which `things` is the plural."""
    if outcome.ending is Ending.BUILT:
        text = tr(
            "Answers were compared on {0:,} test {1} in another engine. Export a version, and try it on its card."
        )
        return text.format(n, things)
    if outcome.ending is Ending.NOTHING_TRIED:
        return tr("Its time ended before any of the {0} versions had figures.").format(outcome.end.planned)
    if outcome.ending is Ending.NONE_FITS:
        return outcome.end.none_fits.text if outcome.end.none_fits is not None else ""
    if outcome.ending is Ending.FEW_EXAMPLES:
        text = tr("Your {0:,} test {1} say too little about a smaller model; your limit of {2} takes at least {3:,}.")
        return text.format(outcome.few_items or 0, things, percent_of(limit_pct), least_to_tell(limit_pct))
    if outcome.ending is Ending.UNSETTLED:
        return _unsettled_words(outcome, n, things)
    if outcome.ending is Ending.UNTESTED:
        text = tr("Measured in turn with the original; there was no time for its answers to the test {0}.")
        return text.format(things)
    if outcome.ending is Ending.BUSY:
        text = tr(
            "{0} tried on {1:,} test {2}. Other programs disturbed the comparison: the time that passed and the"
            " time that the processor worked do not agree on what is faster."
        )
        return text.format(_versions(outcome.tried), n, things)
    text = tr("{0} tried on {1:,} test {2}; none was both faster and within your limit of {3}.")
    return text.format(_versions(outcome.tried), n, things, percent_of(limit_pct))


def _unsettled_words(outcome: Outcome, n: int, things: str) -> str:
    first = outcome.open[0]
    measured = first.measurement
    if not first.is_side_by_side or measured.speedup_low is None or measured.speedup_high is None:
        if first.judgement is None:
            text = tr("Its time was taken once, at another moment than the original's, and no test {0} were asked yet.")
            return text.format(things)
        text = tr("It answers alike on {0:,} test {1}; its time was taken once, at another moment than the original's.")
        return text.format(n, things)
    text = tr("Measured in turn with the original it is {0} times as fast, but anything from {1} to {2} is possible.")
    return text.format(times(measured.speedup or 0.0), times(measured.speedup_low), times(measured.speedup_high))


def _untried_words(untried: int) -> str:
    if untried == 1:
        return tr("There was no time for 1 more version.")
    return tr("There was no time for {0} more versions.").format(untried)


def _versions(count: int) -> str:
    return tr("1 version was") if count == 1 else tr("{0} versions were").format(count)
