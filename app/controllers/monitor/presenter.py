"""Format the result of a log as the values of the page Monitor."""

from collections.abc import Sequence
from datetime import datetime

from widgets.pages.monitor.value import MonitorValue
from widgets.parts.format import UNKNOWN, clipped, count, day, ms, percent
from widgets.parts.small import TagKind
from widgets.parts.tables.values import Cell
from widgets.plots.course_plot import Course
from widgets.plots.point_plot import PlotPoint
from workers.contracts.after.monitor import MonitorAlert, MonitoredStatistic, MonitorPoint, MonitorResult
from workers.contracts.translation import _, localized

SAME_LATENCY = 1.2
"""Largest ratio of two median latencies that counts as equal; no factor is shown then."""
MOST_NAME_CHARS = 60
FIRST_SHOWN = ("brightness", "tokens", "level_db", "mean", "energy", "confidence", "results", "score")
"""Statistics whose course is always shown: the first available one of the inputs and of the outputs."""
MOST_COURSES = 4
OF_FIGURES = ("shift", "unfamiliar", "unsure")


def monitor_value(result: MonitorResult, log_name: str, *, has_project: bool) -> MonitorValue:
    """Return the page's value; `has_project` means that the bundle's project is on this computer."""
    drift = result.drift
    notes = [_(note) for note in drift.notes]
    if not has_project:
        notes.append(_("The project that this bundle came from is not on this computer."))
    return MonitorValue(
        headline=headline(result),
        subtitle=_subtitle(result, log_name),
        figures=_figures(result),
        alerts=tuple(worst_first(result.alerts)),
        courses=tuple(_courses(result)),
        rows=tuple(_row(row, result) for row in drift.statistics),
        notes=tuple(clipped(note) for note in notes),
        examples=_examples(drift.kind) if has_project and result.alerts else "",
        is_tested=drift.expected > 0,
    )


def headline(result: MonitorResult) -> str:
    """Return the worst open alarm as headline, or the sentence that there is none."""
    drift = result.drift
    open_ones = [alert for alert in worst_first(result.alerts) if alert.until is None]
    if open_ones:
        return clipped(_(open_ones[0].title), 90)
    if _is_short(result):
        return _("Changes can be detected from {0} requests on").format(count(drift.needed))
    if result.alerts:
        return _("No alarm now, but there was one before")
    return _("No alarm: inputs and predictions are unchanged")


def _is_short(result: MonitorResult) -> bool:
    """Return whether there are too few requests to detect changes."""
    return result.drift.requests + result.drift.errors < result.drift.needed


def worst_first(alerts: Sequence[MonitorAlert]) -> list[MonitorAlert]:
    """Sort alarms: causes before consequences, open ones before closed ones, failures before changes, latest first."""
    order = ("errors", "not_numbers", "one_answer", "unsure", "slower", "shift", "unfamiliar", "classes")
    return sorted(
        alerts,
        key=lambda one: (
            bool(one.follows),
            one.until is not None,
            order.index(one.code),
            one.statistic in FIRST_SHOWN[4:],
            -one.since,
        ),
    )


def _subtitle(result: MonitorResult, log_name: str) -> str:
    drift = result.drift
    since, until = _day(drift.since), _day(drift.until)
    span = _("on {0}") if since == until else _("from {0} to {1}")
    return _("{0}; {1} requests {2}, log “{3}”").format(
        clipped(drift.title, MOST_NAME_CHARS) or drift.bundle,
        count(drift.requests + drift.errors),
        span.format(since, until),
        clipped(log_name, MOST_NAME_CHARS),
    )


def _examples(kind: str) -> str:
    noun = {"image": _("Add recent pictures"), "text": _("Add recent texts"), "audio": _("Add recent sounds")}
    return noun.get(kind, _("Add recent examples"))


def _figures(result: MonitorResult) -> tuple[tuple[str, str, str], ...]:
    drift = result.drift
    requested = drift.requests + drift.errors
    own = [alert for alert in result.alerts if not alert.follows]
    open_ones = sum(alert.until is None for alert in own)
    latency = UNKNOWN if drift.latency_now_ms is None else ms(drift.latency_now_ms)
    value, _unused, unit = latency.partition(" ")
    alarms = _("alarm on") if open_ones == 1 else _("alarms on")
    n_with = len(result.alerts) - len(own)
    since = _("{0} since the log began") if not n_with else _("{0} since the log began, and {1} that came along")
    return (
        (count(open_ones), alarms, since.format(count(len(own)), count(n_with))),
        (
            percent(drift.errors / requested) if requested else UNKNOWN,
            _("failed"),
            _("{0} of {1} requests").format(count(drift.errors), count(requested)),
        ),
        (
            value,
            _("{0}, median latency").format(unit),
            _earlier_latency(drift.latency_before_ms, drift.latency_now_ms),
        ),
    )


def _earlier_latency(before_ms: float | None, now_ms: float | None) -> str:
    if before_ms is None or now_ms is None:
        return _("{0} at the beginning").format(UNKNOWN)
    factor = max(before_ms, now_ms) / min(before_ms, now_ms)
    if factor < SAME_LATENCY:
        return _("{0} at the beginning").format(ms(before_ms))
    faster, slower = (
        _("{0} at the beginning, {1} times as fast now"),
        _("{0} at the beginning, {1} times as long now"),
    )
    text = faster if now_ms < before_ms else slower
    return text.format(ms(before_ms), localized(factor, ".1f"))


def _courses(result: MonitorResult) -> list[Course]:
    """Return the courses: statistics with alarms, then latency, then one statistic of inputs and one of outputs."""
    drift = result.drift
    if len(drift.points) < 2:
        return []
    alarmed = [one.statistic for one in worst_first(result.alerts) if one.code in OF_FIGURES]
    there = {row.statistic: row for row in drift.statistics}
    names = [name for name in dict.fromkeys([*alarmed, *FIRST_SHOWN]) if name in there]
    courses = [_course_of(there[name], result) for name in names[: MOST_COURSES - 1]]
    timed = [(point, point.p50_ms) for point in drift.points if point.p50_ms is not None]
    if len(timed) > 1:
        points = tuple(PlotPoint(point.t, value, _tip(point, ms(value))) for point, value in timed)
        title = _("Median of each stretch, ms (less is better)")
        usual, at_first = drift.latency_before_ms, _("at the beginning")
        marks = _marks(result, ("slower",), "latency")
        courses.insert(0 if marks else 1, Course(_("Latency"), title, points, usual, at_first, marks))
    if drift.errors and any(alert.code == "errors" for alert in result.alerts):
        points = tuple(_errors_at(point) for point in drift.points)
        marks = _marks(result, ("errors",), "")
        courses.insert(0, Course(_("Failed requests"), _("Share of all requests, %"), points, marks=marks))
    return courses[:MOST_COURSES]


def _errors_at(point: MonitorPoint) -> PlotPoint:
    share = point.errors / max(1, point.n + point.errors)
    return PlotPoint(point.t, 100 * share, _tip(point, percent(share)))


def _course_of(row: MonitoredStatistic, result: MonitorResult) -> Course:
    points = tuple(
        PlotPoint(point.t, point.means[row.statistic], _tip(point, localized(point.means[row.statistic], ".3g")))
        for point in result.drift.points
        if row.statistic in point.means
    )
    marks = _marks(result, OF_FIGURES, row.statistic)
    name = _("when it was tested") if result.drift.expected else _("at the beginning")
    return Course(_(row.title), _("Mean of each stretch"), points, row.before, name, marks)


def _marks(result: MonitorResult, codes: Sequence[str], statistic: str) -> tuple[tuple[float, float], ...]:
    end = result.drift.until or 0.0
    return tuple(
        (alert.since, end if alert.until is None else alert.until)
        for alert in result.alerts
        if alert.code in codes and alert.statistic == statistic and alert.bundle == result.drift.bundle
    )


def _row(row: MonitoredStatistic, result: MonitorResult) -> tuple[Cell, ...]:
    mine = [alert for alert in result.alerts if alert.statistic == row.statistic and alert.until is None]
    is_on = any(not alert.follows for alert in mine)
    is_short = _is_short(result)
    level: TagKind = "warn" if is_on else "none" if mine or is_short else "ok"
    moved = _("Came with it") if mine else _("As it was")
    verdict = _("Alarm") if is_on else _("Too few requests") if is_short and not mine else moved
    before = Cell(UNKNOWN if row.before is None else localized(row.before, ".3g"))
    return Cell(row.title, strong=True), before, Cell(localized(row.now, ".3g")), Cell(verdict, tag=level)


def _tip(point: MonitorPoint, value: str) -> str:
    return _("{0}: {1} ({2} requests)").format(_moment(point.t), value, count(point.n + point.errors))


def _moment(t: float) -> str:
    at = _at(t)
    return UNKNOWN if at is None else f"{day(at, year=False)} {at:%H:%M}"


def _day(t: float | None) -> str:
    at = None if t is None else _at(t)
    return UNKNOWN if at is None else day(at)


def _at(t: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(t).astimezone()
    except (OverflowError, ValueError, OSError):
        return None
