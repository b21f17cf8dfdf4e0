"""Format how a run ended: the subtitle of the headline, and whether more time is offered."""

import math

from app.domain.outcome import Ending, Outcome, first_open
from app.domain.proof.examples import fewest_examples
from app.domain.variant import Variant
from app.domain.words.outcome import speed_interval
from app.domain.words.results import times
from widgets.pages.compare.value import GoOnValue
from widgets.parts.format import percent_of
from workers.contracts.translation import _, localized

BUSY_TRIES = 2
"""Consecutive disturbed runs after which another measurement at once is unlikely to succeed."""

LEAST_MINUTES = 5
"""Least extra time in minutes; a shorter time would often lead to the same outcome."""


def go_on_value(outcome: Outcome, limit_pct: float) -> GoOnValue | None:
    """Return the offered minutes and their purpose; None if more time would change nothing."""
    more_s = outcome.end.more_s
    if more_s is None:
        return None
    minutes = max(LEAST_MINUTES, math.ceil(more_s / 60))
    if outcome.open and outcome.best is not None:
        why = _("“{0}” looked even better at first; there was no time to measure it in turn with the original.")
        return GoOnValue(minutes, why.format(first_open(outcome, limit_pct).title))
    if outcome.best is not None:
        return GoOnValue(minutes, _untried_words(outcome.end.untried))
    decides_otherwise = outcome.ending in (Ending.UNTESTED, Ending.BUSY)
    return GoOnValue(minutes, is_way_on=not decides_otherwise)


def examples_words(n: int, n_test: int, things: str) -> str:
    """Return ``15 test pictures``, with the number that counts if not all do: pictures without detections may not."""
    if n >= n_test:
        return _("{0:,} test {1}").format(n, things)
    return _("{0:,} test {1}, of which {2:,} count").format(n_test, things, n)


def saved_subtitle(outcome: Outcome, examples: str, things: str, limit_pct: float) -> str:
    """Return the subtitle of a headline that recommends no version.

    `examples` are the test examples that the versions were evaluated on, as by `examples_words`. `things` is the plural
    of their name.
    """
    if outcome.ending is Ending.BUILT:
        text = _("Answers were compared on {0} in another engine. Export a version, and try it on its card.")
        return text.format(examples)
    if outcome.ending is Ending.NOTHING_TRIED:
        return _("Its time ended before any of the {0} versions had figures.").format(outcome.end.planned)
    if outcome.ending is Ending.NONE_FITS:
        return outcome.end.none_fits.text if outcome.end.none_fits is not None else ""
    if outcome.ending is Ending.FEW_EXAMPLES:
        text = _("{0:,} test {1} are too few to judge a smaller model; your limit of {2} needs at least {3:,}.")
        return text.format(outcome.few_items or 0, things, percent_of(limit_pct), fewest_examples(limit_pct))
    if outcome.ending is Ending.UNSETTLED:
        return _unsettled_words(first_open(outcome, limit_pct), examples)
    if outcome.ending is Ending.UNTESTED and outcome.untested[-1].untested == "no_time":
        text = _("Measured in turn with the original; there was no time to test its answers to the {0}.")
        return text.format(things)
    if outcome.ending is Ending.UNTESTED:
        return _("Measured in turn with the original. An earlier version was not safe, which ends the series of tests.")
    if outcome.ending is Ending.TIME_UP and outcome.partly:
        return _("Measured in turn with the original; there was no time to test its answers to all {0}.").format(things)
    if outcome.ending is Ending.BUSY:
        return _busy_words(outcome, examples)
    text = _("{0} tried on {1}; none was both faster and within your limit of {2}.")
    return text.format(_versions(outcome.tried), examples, percent_of(limit_pct))


def _busy_words(outcome: Outcome, examples: str) -> str:
    """Return the subtitle of a disturbed run; from the second one in a row it adds the speedup by processor time."""
    text = _("{0} tried on {1}. Other programs disturbed the comparison of their speed.")
    disturbed = text.format(_versions(outcome.tried), examples)
    by_processor = max(outcome.open, key=lambda version: version.measurement.cpu_speedup or 0.0)
    speed = by_processor.measurement.cpu_speedup
    if outcome.end.busy_tries < BUSY_TRIES or speed is None:
        return disturbed
    text = _("By processor time, “{0}” is {1} times as fast, which proves nothing yet.")
    return f"{disturbed} {text.format(by_processor.title, times(speed))}"


def _unsettled_words(first: Variant, examples: str) -> str:
    measured = first.measurement
    if (interval := speed_interval(first)) is not None:
        text = _("Measured in turn with the original, it is {0} times as fast; {1} to {2} is possible.")
        low, high = interval
        return text.format(times(measured.speedup or 0.0), localized(low, ".2f"), localized(high, ".2f"))
    if first.is_side_by_side:
        return _("Its times vary too much to show how much faster it is.")
    if first.judgement is None:
        return _("Its time was measured once, not in turn with the original, and its answers are not tested yet.")
    text = _("It gives the same answers on {0}. Its time was measured once, not in turn with the original.")
    return text.format(examples)


def _untried_words(untried: int) -> str:
    if untried == 1:
        return _("There was no time for 1 more version.")
    return _("There was no time for {0} more versions.").format(untried)


def _versions(count: int) -> str:
    return _("1 version was") if count == 1 else _("{0} versions were").format(count)
