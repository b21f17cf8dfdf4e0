"""Format what a run tried as the page "What changed, and why" shows it."""

from app.domain.standing import Standing
from app.domain.tried import TriedRecipe
from app.domain.variant import Measurement, Variant
from app.domain.words.outcome import range_words
from app.domain.words.results import taken_words, times
from app.services.after.trying.tried import TriedRun
from app.services.records.facts import RunFacts
from app.services.run.clock import MIN_STEP_S
from app.services.run.forecasting import Expected, RunForecast
from widgets.pages.changes.tried import TriedValue
from widgets.parts.format import UNKNOWN, ms, percent, seconds
from widgets.parts.small import TagKind
from widgets.parts.tables.values import Cell
from workers.contracts.measured.sizes import bytes_words
from workers.contracts.translation import _, joined, mark
from workers.contracts.wording import rounded_down

NAMED_S = 1.0
"""Least saved time in seconds for which work from an earlier run is mentioned."""

TAGS: dict[Standing, TagKind] = {
    Standing.SAFE: "ok",
    Standing.ALIKE: "warn",
    Standing.NOT_TESTED: "warn",
    Standing.REGRESSED: "bad",
}
"""Colors of the standings, as on Compare: only a safe version is green."""

OUTCOMES = {
    "original": mark("To compare with"), "recommended": mark("Recommended"), "skipped": mark("Not begun"),
    "left_out": mark("Left out"),
}  # fmt: skip
"""Words for the outcomes; those of a tried version are its verdict."""


def tried_value(facts: RunFacts, tried: TriedRun) -> TriedValue:
    """Return the table, the explanations and the forecast."""
    went_on_s = sum(facts.search.went_on_s)
    begun = sum(row.variant is not None and row.outcome != "original" for row in tried.rows)
    texts = (
        ("scales", _("Why this one"), joined(tried.why)),
        ("cpu", _("On other computers"), joined(tried.elsewhere)),
    )
    return TriedValue(
        headline=_headline(begun, len(tried.rows) - 1 - begun),
        rows=tuple(_row(row) for row in tried.rows),
        ids=tuple(_compared_id(row.variant) for row in tried.rows),
        said=tuple(row for row in texts if row[2]),
        forecast=forecast_rows(tried.forecast, went_on_s),
        forecast_note=forecast_note(tried.forecast, went_on_s),
    )


def _compared_id(variant: Variant | None) -> str:
    """Return the version's id if it can be compared with the original, else ""."""
    return variant.id if variant is not None and variant.artifact_key and not variant.is_baseline else ""


def _headline(begun: int, others: int) -> str:
    tried = _("1 version was tried") if begun == 1 else _("{0} versions were tried").format(begun)
    if not others:
        return _("{0}.").format(tried)
    rest = _("1 other was left out or not needed") if others == 1 else _("{0} others were left out or not needed")
    return _("{0}.").format(joined([tried, rest.format(others)], ", "))


def _row(row: TriedRecipe) -> tuple[Cell, Cell, Cell, Cell]:
    gave = Cell(_gave(row), below=taken_words(row.measured) if row.measured else _took(row.seconds))
    return (
        Cell(_(row.title), strong=True, below=_(row.why)),
        gave,
        Cell(_(row.because)),
        Cell(_(OUTCOMES.get(row.outcome, row.verdict)), tag=_tag(row)),
    )


def _took(took_s: float | None) -> str:
    """Return how long trying a version took; less than a process needs means that the store had the result."""
    if took_s is None:
        return ""
    return _("Tried in {0}").format(seconds(took_s)) if took_s >= MIN_STEP_S else _("Known from before")


def _tag(row: TriedRecipe) -> TagKind:
    if row.outcome == "recommended":
        return "ok" if row.standing is Standing.SAFE else "warn"
    return "none" if row.standing is None else TAGS.get(row.standing, "none")


def _gave(row: TriedRecipe) -> str:
    variant = row.variant
    if variant is None or variant.measurement.typical_ms is None:
        return ""
    parts = [_time(variant)]
    measured = variant.measurement
    if not variant.is_baseline and variant.is_side_by_side and measured.meaningful_speedup is not None:
        parts.append(_factor(measured))
    agreement = variant.judgement.agreement if variant.judgement else None
    if agreement is not None and not variant.is_baseline:
        parts.append(_("{0} alike").format(percent(agreement)))
    if variant.size_bytes is not None:
        parts.append(bytes_words(variant.size_bytes))
    return ", ".join(parts)


def _time(variant: Variant) -> str:
    """Return the mean latency; that of a single short set is called a first look."""
    time = ms(variant.measurement.typical_ms)
    return time if variant.is_baseline or variant.is_side_by_side else _("first look {0}").format(time)


def _factor(measured: Measurement) -> str:
    """Return the speedup, which follows from both times, with its interval; under load it is a lower bound."""
    speed = measured.shown_speedup or 0.0
    if measured.under_load:
        return _("at least {0} × as fast").format(rounded_down(speed))
    if measured.speedup_low is None or measured.speedup_high is None:
        return _("{0} × as fast").format(times(speed))
    interval = range_words(measured.speedup_low, measured.speedup_high)
    return _("{0} × as fast ({1})").format(times(speed), interval)


def forecast_rows(forecast: RunForecast, went_on_s: float = 0.0) -> tuple[tuple[str, str, str, str, str], ...]:
    """Return forecast and actual values of time and memory; no rows without a forecast.

    The forecast is not compared with a run that was given `went_on_s` more seconds.
    """
    if forecast.before is None:
        return ()
    saved_s = 0.0 if went_on_s else forecast.saved_s
    actual_s = None if forecast.seconds is None else forecast.seconds + saved_s
    last = forecast.refined or forecast.before
    error = UNKNOWN if went_on_s else _error(last.seconds, actual_s)
    memory = None if forecast.is_mostly_known else forecast.memory_bytes
    return (
        (_("Time"), _s(forecast.before), _s(forecast.refined), seconds(actual_s), error),
        (
            _("Memory at its peak"),
            _bytes(forecast.before),
            _bytes(forecast.refined),
            UNKNOWN if memory is None else bytes_words(memory),
            _error(float(last.memory_bytes), memory),
        ),
    )


def forecast_note(forecast: RunForecast, went_on_s: float = 0.0) -> str:
    """Return why the shown time differs from the run's time, and how memory is counted."""
    if went_on_s:
        return _("The forecast does not include the additional {0} that this run was given.").format(seconds(went_on_s))
    if forecast.saved_s >= NAMED_S and forecast.seconds is not None:
        text = _("It took {0}: results of {1} of work came from an earlier run.")
        return text.format(seconds(forecast.seconds), seconds(forecast.saved_s))
    return _("Memory is the sum over all of its processes; shared memory is counted in each.")


def _s(expected: Expected | None) -> str:
    return UNKNOWN if expected is None else seconds(expected.seconds)


def _bytes(expected: Expected | None) -> str:
    return UNKNOWN if expected is None else bytes_words(expected.memory_bytes)


def _error(expected: float, actual: float | None) -> str:
    """Return the error in percent of the actual value; as a factor if it is at least double or half."""
    if not actual:
        return UNKNOWN
    ratio = expected / actual
    if ratio >= 2 or ratio <= 0.5:
        factor = times(ratio if ratio >= 1 else 1 / ratio)
        return _("{0} times too high").format(factor) if ratio >= 1 else _("{0} times too low").format(factor)
    if not round(100 * abs(ratio - 1)):
        return _("right")
    share = percent(abs(ratio - 1), 0)
    return _("{0} too high").format(share) if ratio > 1 else _("{0} too low").format(share)
