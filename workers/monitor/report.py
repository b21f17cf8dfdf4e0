"""Report the content of a log: drift of each figure, alarms with their times, and points for graphs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..pipeline.words import Words
from . import series as at
from . import shifts, slowing
from .reading import LogPart, Progress, ReadLog, read_log
from .reference import Reference
from .series import Ints, Series
from .words import TITLES, left_out, summary, worded

RECENT = 1000
"""Number of latest requests that the table of drift covers."""
MOST_POINTS = 160
LEARNED = 1000
"""Number of requests at the beginning of a log that replace evaluation data if a bundle has none."""
LEAST = at.WINDOW
"""Minimum number of requests for the tests, in addition to those that replace evaluation data."""
ERRORS_MARGIN, NOT_FINITE_MARGIN = 0.03, 0.01
ONE_ANSWER, ONE_ANSWER_USUAL = 0.95, 0.6
"""Limits of the alarm that nearly all predictions are one class, compared with at most 0.6 in the evaluation data."""
OTHER_TESTS = ("classes", "errors", "not_numbers")
"""Tests besides those of single figures; latency has a cumulative sum."""
COLLAPSED = 0.2
"""Mean rank of the confidence among that of the evaluation data below which it collapsed; 0.5 is usual."""
QUIET_LOOKS = 8
"""Number of looks without the alarm after which it is over."""
TAKES_ALONG = {"brightness": ("contrast", "detail", "color"), "rare": ("unknown",)}
"""Figures that change whenever the key's figure changes."""


@dataclass(frozen=True)
class Alert:
    """One alarm.

    Attributes:
        code: Kind of the alarm.
        statistic: Name of the figure that changed.
        since: Start of the change, in seconds since 1970.
        until: End of the change, in seconds since 1970; None if it goes on.
        noticed: Time at which the change was certain.
        before: Earlier value: a mean, a share, milliseconds.
        now: Current value.
        direction: 1 for more, −1 for less.
        name: The class concerned.
        requests: Number of requests from the start to the last look that raised the alarm.
        follows: A figure that changed at the same time and explains this change, as darker pictures have less contrast.
    """

    code: str
    statistic: str
    since: float
    until: float | None
    noticed: float
    before: float | None
    now: float | None
    direction: int = 0
    name: str = ""
    requests: int = 0
    follows: str = ""


@dataclass(frozen=True)
class Watch:
    """Data that the tests of one part share.

    Attributes:
        series: The lines of the part.
        reference: The evaluation data, or what replaces them.
        first: First line that is tested.
        starts: First line of each look's window; −1 if there are too few requests.
        ends: Line after each look's window.
        level: Level of each test.
    """

    series: Series
    reference: Reference
    first: int
    starts: Ints
    ends: Ints
    level: float

    @property
    def z(self) -> float:
        """Return the standard normal deviate of the level."""
        return -NormalDist().inv_cdf(self.level)


def report_log(log: Path, progress: Progress | None = None) -> dict[str, Any]:
    """Return the report of a log; `progress` receives (bytes read, bytes of all).

    Raises:
        NotALog: There is no log.
    """
    return report(read_log(log, progress))


def report(log: ReadLog) -> dict[str, Any]:
    """Return `{"drift": {…}, "alerts": […]}`: drift of the bundle with the latest lines, alarms of all bundles."""
    parts = [part for part in log.parts if part.records]
    last = max(parts, key=lambda part: part.records[-1].t, default=log.parts[-1])
    alerts, watch = [], None
    for part in parts:
        one = watch_of(part)  # large tables: only those of the last bundle are kept
        alerts += [worded({**vars(alert), "bundle": part.bundle}, part.kind) for alert in alerts_of(one)]
        watch = one if part is last else watch
    before, now = latency_then_and_now(watch.series) if watch else (None, None)
    course = {"statistics": _drift(watch) if watch else [], "points": points(watch.series) if watch else []}
    drift = {**_facts(log, last), "latency_before_ms": before, "latency_now_ms": now, **course}
    return {"drift": {**drift, "notes": left_out(drift), "summary": summary(drift, alerts)}, "alerts": alerts}


def _facts(log: ReadLog, part: LogPart) -> dict[str, Any]:
    records = part.records
    counted = {name: sum(getattr(one, name) for one in records) for name in ("n", "errors", "kept", "lost")}
    expected = max((one.n for one in part.reference.statistics.values()), default=0)
    return {
        "bundle": part.bundle, "title": part.title, "run_id": part.run_id, "kind": part.kind,
        "bundles": len(log.parts), "requests": counted["n"], "errors": counted["errors"], "kept": counted["kept"],
        "lost": counted["lost"], "since": min((one.t for one in records), default=None),
        "until": max((one.t + one.seconds for one in records), default=None), "expected": expected,
        "needed": LEAST if expected else LEARNED + LEAST, "left_out": dict(log.left_out), "is_cut": log.is_cut,
        "clock_went_back": log.went_back,
    }  # fmt: skip


def watch_of(part: LogPart) -> Watch:
    """Return the looks at a part with the level of each test."""
    series = at.series_of(part)
    has_data = any(one.n for one in part.reference.statistics.values())
    first = 0 if has_data else min(len(series.n), int(np.searchsorted(np.cumsum(series.n), LEARNED)) + 1)
    reference = at.learned(series, part.reference, first)
    ends = at.ends_of(series.n, first)
    level = at.level_of(len(_tested(series, reference)) + len(OTHER_TESTS))
    return Watch(series, reference, first, at.starts_of(series.n, ends, first), ends, level)


def _tested(series: Series, reference: Reference) -> list[str]:
    """Return the names of the logged figures that have evaluation data."""
    return [name for name in series.histograms if name in reference.statistics and reference.statistics[name].n]


def alerts_of(watch: Watch) -> list[Alert]:
    """Return all alarms of a part, sorted by their begin."""
    found = [*_of_failures(watch), *_of_latency(watch)]
    if len(watch.ends):  # empty if no request was answered
        found += [*_of_figures(watch), *_of_classes(watch)]
    found = [replace(alert, follows=_cause_of(alert, found)) for alert in found]
    return sorted(found, key=lambda alert: (alert.since, alert.code, alert.statistic))


def _cause_of(alert: Alert, others: list[Alert]) -> str:
    for other in others:
        overlap = other.since <= (alert.until or math.inf) and alert.since <= (other.until or math.inf)
        if overlap and other.code == "shift" and alert.statistic in TAKES_ALONG.get(other.statistic, ()):
            return other.statistic
    return ""


def _of_figures(watch: Watch) -> Iterator[Alert]:
    """Test each figure once: its mean rank, or for the figure of familiarity the share of unfamiliar values."""
    # by which tail of which figure inputs are unfamiliar
    by_tail = {"energy": 1} if "energy" in watch.series.histograms else {"confidence": -1}
    for name in _tested(watch.series, watch.reference):
        if name in by_tail:
            yield from _of_tail(watch, name, by_tail[name])
            continue
        expected = np.asarray(watch.reference.statistics[name].counts, np.int64)
        histograms, scores = watch.series.histograms[name], shifts.places(expected)
        z, signs = shifts.mean_shift(histograms, expected, scores, watch.starts, watch.ends, shifts.LOCATION_MARGIN)
        for sign in (-1, 1):
            exceeds = (z > watch.z) & (signs == sign)
            for alert, lines in _episodes(watch.series, exceeds, watch.starts, watch.ends, "shift", name, sign):
                yield _with_means(watch, alert, lines)


def _of_tail(watch: Watch, name: str, side: int) -> Iterator[Alert]:
    expected = np.asarray(watch.reference.statistics[name].counts, np.int64)[::side]
    histograms, scores = watch.series.histograms[name][:, ::side], shifts.tail_scores(expected)
    spread = float(np.sqrt(((scores - scores @ expected / expected.sum()) ** 2) @ expected / expected.sum()))
    z, signs = shifts.mean_shift(histograms, expected, scores, watch.starts, watch.ends, shifts.TAIL_MARGIN * spread)
    surest = scores >= scores.max() - 1e-9
    exceeds = (z > watch.z) & (signs > 0)
    for alert, lines in _episodes(watch.series, exceeds, watch.starts, watch.ends, "unfamiliar", name, 1):
        fallen = _with_means(watch, replace(alert, direction=-1), lines)
        counts = histograms[lines].sum(axis=0)
        now = float(counts[surest].sum() / max(1, counts.sum()))
        usual = float(expected[surest].sum() / expected.sum())
        yield fallen if fallen.code == "unsure" else replace(alert, before=usual, now=now)


def _of_classes(watch: Watch) -> Iterator[Alert]:
    numbers, classes = watch.series.class_numbers, watch.series.classes
    expected = np.asarray([watch.reference.classes.get(number, 0) for number in numbers], np.int64)
    if expected.sum() == 0:
        return
    usual = expected / expected.sum()
    z = shifts.classes_shift(classes, expected, watch.starts, watch.ends)
    for alert, lines in _episodes(watch.series, z > watch.z, watch.starts, watch.ends, "classes", "classes", 0):
        counts = classes[lines].sum(axis=0)
        now = counts / max(1, counts.sum())
        is_one = now.max() >= ONE_ANSWER and usual[now.argmax()] <= ONE_ANSWER_USUAL
        most = int((now if is_one else np.abs(now - usual)).argmax())
        names, number = watch.reference.names, numbers[most]
        yield replace(
            alert, code="one_answer" if is_one else alert.code, before=float(usual[most]), now=float(now[most]),
            name=names[number] if number < len(names) else Words("class {0}", number),
            direction=int(np.sign(now[most] - usual[most])),
        )  # fmt: skip


def _of_failures(watch: Watch) -> Iterator[Alert]:
    series = watch.series
    for code, counts, total, margin in (
        ("errors", series.errors, series.n + series.errors, ERRORS_MARGIN),
        ("not_numbers", series.not_finite, series.n, NOT_FINITE_MARGIN),
    ):
        # Errors come without predictions and need no evaluation data: all requests count, also those that a log
        # without evaluation data learns from.
        ends = at.ends_of(total)
        if not len(ends):
            continue
        starts = at.starts_of(total, ends)
        exceeds = shifts.log_upper_tail(at.summed(counts, starts, ends), at.summed(total, starts, ends), margin)
        for alert, lines in _episodes(series, exceeds < np.log(watch.level), starts, ends, code, "", 1):
            earlier = total[: lines.start].sum()
            before = float(counts[: lines.start].sum() / earlier) if earlier >= at.EACH else None
            now = min(1.0, float(counts[lines].sum() / max(1, total[lines].sum())))
            yield replace(alert, before=before, now=now)


def _of_latency(watch: Watch) -> Iterator[Alert]:
    series = watch.series
    ends = at.ends_of(series.latencies.sum(axis=1))
    if not len(ends):
        return
    starts = at.blocks_to(ends)
    sums, usual = slowing.cumulated(slowing.medians(series, starts, ends))
    # the alarm began when the sum was last zero
    zero = np.where(sums <= 0, np.arange(len(sums)), -1)
    begins = starts[np.minimum(np.maximum.accumulate(zero) + 1, len(starts) - 1)]
    for alert, lines in _episodes(series, sums > slowing.DECISION, begins, ends, "slower", "latency", 1):
        (now,) = slowing.medians(series, np.asarray([lines.start]), np.asarray([lines.stop]))
        yield replace(alert, before=float(2**usual), now=float(2**now))


def _episodes(
    series: Series, exceeds: NDArray[np.bool_], starts: Ints, ends: Ints, code: str, statistic: str, sign: int
) -> Iterator[tuple[Alert, slice]]:
    """Yield the alarms of one test, each with its lines, which reach to the end of the log if the alarm goes on.

    Args:
        series: The lines.
        exceeds: Whether the test exceeds its threshold at each look (looks,).
        starts: First line of each look's window (looks,), negative without a window; an alarm begins with that of its
            first look.
        ends: Line after each look's window (looks,).
        code: Kind of the alarm.
        statistic: Name of the figure.
        sign: 1 for more, −1 for less.
    """
    positive = np.flatnonzero(exceeds & (starts >= 0))
    groups = np.split(positive, np.flatnonzero(np.diff(positive) > QUIET_LOOKS) + 1) if len(positive) else []
    for looks in groups:
        goes_on = len(exceeds) - 1 - looks[-1] <= QUIET_LOOKS
        first, stop = int(starts[looks[0]]), int(ends[looks[-1]])
        requests = int(series.n[first:stop].sum() + series.errors[first:stop].sum())
        since, noticed = float(series.times[first]), float(series.times[ends[looks[0]] - 1])
        until = None if goes_on else float(series.times[stop - 1])
        alert = Alert(code, statistic, since, until, noticed, None, None, sign, "", requests)
        yield alert, slice(first, len(series.n) if goes_on else stop)


def _with_means(watch: Watch, alert: Alert, lines: slice) -> Alert:
    usual = watch.reference.statistics[alert.statistic]
    histogram = watch.series.histograms[alert.statistic][lines].sum(axis=0)
    count = int(histogram.sum())
    if not count:
        return replace(alert, before=usual.mean)
    now = float(watch.series.sums[alert.statistic][lines].sum()) / count
    place = float(shifts.places(np.asarray(usual.counts, np.int64)) @ histogram) / count
    collapsed = (alert.statistic, alert.direction) == ("confidence", -1) and place < COLLAPSED
    return replace(alert, before=usual.mean, now=now, code="unsure" if collapsed else alert.code)


def _drift(watch: Watch) -> list[dict[str, Any]]:
    """Compare each figure over the latest thousand requests with the evaluation data."""
    series = watch.series
    before = np.cumsum(series.n[::-1])[::-1]
    first = max(watch.first, int(np.searchsorted(-before, -RECENT, side="right")) - 1)
    found = []
    for name in _tested(series, watch.reference):
        usual, counts = watch.reference.statistics[name], series.histograms[name][first:].sum(axis=0)
        if n := int(counts.sum()):
            place = float(shifts.places(np.asarray(usual.counts, np.int64)) @ counts) / n
            now = float(series.sums[name][first:].sum()) / n
            row = {"statistic": name, "title": TITLES.get(name, name), "n": n, "expected": usual.n, "place": place}
            found.append({**row, "before": usual.mean, "now": now})
    return found


def latency_then_and_now(series: Series) -> tuple[float | None, float | None]:
    """Return the median latency (ms) of the first and the latest thousand timed requests.

    Each group has at most half of all timed requests. Both are None if no request was timed.
    """
    timed = np.cumsum(series.latencies.sum(axis=1))
    if not len(timed) or not timed[-1]:
        return None, None
    size = max(1, min(RECENT, int(timed[-1]) // 2))
    first_end = int(np.searchsorted(timed, size)) + 1
    last_start = min(int(np.searchsorted(timed, timed[-1] - size, side="right")), len(timed) - 1)
    starts, ends = np.asarray([0, last_start]), np.asarray([first_end, len(timed)])
    before, now = 2 ** slowing.medians(series, starts, ends)
    return float(before), float(now)


def points(series: Series) -> list[dict[str, Any]]:
    """Return at most 160 points of about as many requests each: time, requests, shares, means, p50."""
    total = series.n + series.errors
    each = max(at.EACH, int(total.sum()) // MOST_POINTS + 1)
    ends = at.ends_of(total, 0, each)
    if not len(ends) or ends[-1] < len(total):
        ends = np.concatenate([ends, [len(total)]]).astype(np.int64)
    starts = at.blocks_to(ends)
    p50 = slowing.medians(series, starts, ends)
    n, errors = at.summed(series.n, starts, ends), at.summed(series.errors, starts, ends)
    counted = {name: at.summed(one.sum(axis=1), starts, ends) for name, one in series.histograms.items()}
    sums = {name: at.summed(one, starts, ends) for name, one in series.sums.items()}
    return [
        {
            "t": float(series.times[start]),
            "n": int(n[number]),
            "errors": int(errors[number]),
            "p50_ms": None if np.isnan(p50[number]) else float(2 ** p50[number]),
            "means": {name: float(sums[name][number] / one[number]) for name, one in counted.items() if one[number]},
        }
        for number, start in enumerate(starts)
    ]
