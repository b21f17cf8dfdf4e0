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

from . import series as at
from . import shifts, slowing
from .bins import Expected
from .reading import LogPart, Progress, ReadLog, read_log
from .reference import Reference
from .series import Floats, Ints, Series
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
        code: What is wrong.
        statistic: Name of the figure that changed.
        since: Start of the change, in seconds since 1970.
        until: End of the change, in seconds since 1970; None if it goes on.
        noticed: Time at which the change was certain.
        before: Earlier value: a mean, a share, milliseconds.
        now: Current value.
        direction: 1 for more, −1 for less.
        name: The class concerned.
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
    """Return `{"drift": {…}, "alerts": […]}` with words; `progress` receives (bytes read, bytes of all).

    Raises:
        NotALog: There is no log.
    """
    read = read_log(log, progress)
    found = report(read)
    kinds = {part.bundle: part.kind for part in read.parts}
    alerts = [worded(alert, kinds[alert["bundle"]]) for alert in found["alerts"]]
    drift = found["drift"]
    for row in drift["statistics"]:
        row["title"] = TITLES.get(row["statistic"], row["statistic"])
    return {"drift": {**drift, "notes": left_out(drift), "summary": summary(drift, alerts)}, "alerts": alerts}


def report(log: ReadLog) -> dict[str, Any]:
    """Return `{"drift": {…}, "alerts": […]}`: drift of the bundle with the latest lines, alarms of all bundles."""
    parts = [part for part in log.parts if part.records]
    last = max(parts, key=lambda part: part.records[-1].t, default=log.parts[-1])
    alerts, watch = [], None
    for part in parts:
        one = watch_of(part)  # large tables: only those of the last bundle are kept
        alerts += [(part, alert) for alert in alerts_of(one)]
        watch = one if part is last else watch
    before, now = latency_then_and_now(watch.series) if watch else (None, None)
    course = {"statistics": _drift(watch) if watch else [], "points": points(watch.series) if watch else []}
    return {
        "drift": {**_facts(log, last), "latency_before_ms": before, "latency_now_ms": now, **course},
        "alerts": [{**vars(alert), "bundle": part.bundle} for part, alert in alerts],
    }


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
    names = [name for name in series.histograms if reference.statistics.get(name, _NOTHING).n]
    level = at.level_of(len(names) + len(OTHER_TESTS))
    return Watch(series, reference, first, at.starts_of(series.n, ends, at.WINDOW, first), ends, level)


_NOTHING = Expected((), (), None)


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
    for name, histograms in watch.series.histograms.items():
        usual = watch.reference.statistics.get(name, _NOTHING)
        if not usual.n:
            continue
        expected = np.asarray(usual.counts, np.int64)
        scores = shifts.places(expected)
        if name in by_tail:
            for alert in _of_tail(watch, name, expected, by_tail[name]):
                fallen = _with_means(watch, replace(alert, direction=-1), usual, scores)
                yield fallen if fallen.code == "unsure" else alert
            continue
        z, signs = shifts.mean_shift(histograms, expected, scores, watch.starts, watch.ends, shifts.LOCATION_MARGIN)
        for sign in (-1, 1):
            exceeds = (z > watch.z) & (signs == sign)
            for alert, _ in _episodes(watch, exceeds, watch.starts, "shift", name, sign):
                yield _with_means(watch, alert, usual, scores)


def _of_tail(watch: Watch, name: str, expected: Ints, side: int) -> Iterator[Alert]:
    histograms, expected = watch.series.histograms[name][:, ::side], expected[::side]
    scores = shifts.tail_scores(expected)
    spread = float(np.sqrt(((scores - scores @ expected / expected.sum()) ** 2) @ expected / expected.sum()))
    z, signs = shifts.mean_shift(histograms, expected, scores, watch.starts, watch.ends, shifts.TAIL_MARGIN * spread)
    surest = scores >= scores.max() - 1e-9
    exceeds = (z > watch.z) & (signs > 0)
    for alert, _ in _episodes(watch, exceeds, watch.starts, "unfamiliar", name, 1):
        counts = histograms[_lines_of(watch, alert)].sum(axis=0)
        total = max(1, counts.sum())
        usual, now = float(expected[surest].sum() / expected.sum()), float(counts[surest].sum() / total)
        yield replace(alert, before=usual, now=now)


def _of_classes(watch: Watch) -> Iterator[Alert]:
    numbers = watch.series.class_numbers
    expected = np.asarray([watch.reference.classes.get(number, 0) for number in numbers], np.int64)
    if expected.sum() == 0:
        return
    usual = expected / expected.sum()
    z, _ = shifts.classes_shift(watch.series.classes, expected, watch.starts, watch.ends)
    for alert, _ in _episodes(watch, z > watch.z, watch.starts, "classes", "classes", 0):
        counts = watch.series.classes[_lines_of(watch, alert)].sum(axis=0)
        now = counts / max(1, counts.sum())
        is_one = now.max() >= ONE_ANSWER and usual[now.argmax()] <= ONE_ANSWER_USUAL
        most = int((now if is_one else np.abs(now - usual)).argmax())
        names, number = watch.reference.names, numbers[most]
        yield replace(
            alert, code="one_answer" if is_one else alert.code, before=float(usual[most]), now=float(now[most]),
            name=names[number] if number < len(names) else f"class {number}",
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
        own = Watch(series, watch.reference, 0, at.starts_of(total, ends, at.WINDOW), ends, watch.level)
        failed, requests = at.summed(counts, own.starts, ends), at.summed(total, own.starts, ends)
        beyond = shifts.log_upper_tail(failed, requests, margin)
        for alert, _ in _episodes(own, beyond < np.log(own.level), own.starts, code, "", 1):
            lines = _lines_of(own, alert)
            earlier = total[: lines.start].sum()
            before = float(counts[: lines.start].sum() / earlier) if earlier >= at.EACH else None
            now = min(1.0, float(counts[lines].sum() / max(1, total[lines].sum())))
            yield replace(alert, before=before, now=now)


def _of_latency(watch: Watch) -> Iterator[Alert]:
    series = watch.series
    timed = series.latencies.sum(axis=1)
    ends = at.ends_of(timed)
    if not len(ends):
        return
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    blocks = slowing.medians(series.latencies, series.latency_first, starts, ends)
    sums, usual = slowing.cumulated(blocks)
    # the alarm began when the sum was last zero
    zero = np.where(sums <= 0, np.arange(len(sums)), -1)
    since = np.maximum.accumulate(zero) + 1
    own = Watch(series, watch.reference, 0, starts, ends, watch.level)
    begins = starts[np.minimum(since, len(starts) - 1)]
    for alert, lines in _episodes(own, sums > slowing.DECISION, begins, "slower", "latency", 1):
        edges = np.asarray([lines.start]), np.asarray([lines.stop])
        now = slowing.medians(series.latencies, series.latency_first, *edges)
        yield replace(alert, before=float(2**usual), now=float(2 ** now[0]))


def _episodes(
    watch: Watch, exceeds: NDArray[np.bool_], starts: Ints, code: str, statistic: str, sign: int
) -> Iterator[tuple[Alert, slice]]:
    """Yield the alarms of one test with their lines up to the last look that exceeds the threshold.

    Args:
        watch: The looks.
        exceeds: Whether the test exceeds its threshold at each look (looks,).
        starts: First line of each look's window (looks,); an alarm begins with that of its first look.
        code: What is wrong.
        statistic: Name of the figure.
        sign: 1 for more, −1 for less.
    """
    times, ends, series = watch.series.times, watch.ends, watch.series
    at = np.flatnonzero(exceeds & (starts >= 0))
    groups = np.split(at, np.flatnonzero(np.diff(at) > QUIET_LOOKS) + 1) if len(at) else []
    for looks in groups:
        lines = slice(int(starts[looks[0]]), int(ends[looks[-1]]))
        since, noticed = float(times[lines.start]), float(times[ends[looks[0]] - 1])
        until = None if len(exceeds) - 1 - looks[-1] <= QUIET_LOOKS else float(times[lines.stop - 1])
        requests = int(series.n[lines].sum() + series.errors[lines].sum())
        yield Alert(code, statistic, since, until, noticed, None, None, sign, "", requests), lines


def _lines_of(watch: Watch, alert: Alert) -> slice:
    """Return the lines from the begin of an alarm to its end."""
    times = watch.series.times
    first = int(np.flatnonzero(times == alert.since)[0])
    last = len(times) if alert.until is None else int(np.flatnonzero(times == alert.until)[-1]) + 1
    return slice(first, max(last, first + 1))


def _with_means(watch: Watch, alert: Alert, usual: Expected, scores: Floats) -> Alert:
    lines = _lines_of(watch, alert)
    histogram = watch.series.histograms[alert.statistic][lines].sum(axis=0)
    count = int(histogram.sum())
    now = float(watch.series.sums[alert.statistic][lines].sum()) / count if count else None
    is_fall = (alert.statistic, alert.direction) == ("confidence", -1)
    collapsed = is_fall and count and float(scores @ histogram) / count < COLLAPSED
    return replace(alert, before=usual.mean, now=now, code="unsure" if collapsed else alert.code)


def _drift(watch: Watch) -> list[dict[str, Any]]:
    """Compare each figure over the latest thousand requests with the evaluation data."""
    series = watch.series
    before = np.cumsum(series.n[::-1])[::-1]
    first = max(watch.first, int(np.searchsorted(-before, -RECENT, side="right")) - 1)
    found = []
    for name, histograms in series.histograms.items():
        usual = watch.reference.statistics.get(name, _NOTHING)
        counts = histograms[first:].sum(axis=0)
        n, m = int(counts.sum()), usual.n
        if not n or not m:
            continue
        found.append(
            {
                "statistic": name, "n": n, "expected": m, "before": usual.mean,
                "now": float(series.sums[name][first:].sum()) / n,
                "place": float(shifts.places(np.asarray(usual.counts, np.int64)) @ counts) / n,
            }
        )  # fmt: skip
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
    before, now = 2 ** slowing.medians(series.latencies, series.latency_first, starts, ends)
    return float(before), float(now)


def points(series: Series) -> list[dict[str, Any]]:
    """Return at most 160 points of about as many requests each: time, requests, shares, means, p50."""
    total = series.n + series.errors
    each = max(at.EACH, int(total.sum()) // MOST_POINTS + 1)
    ends = at.ends_of(total, 0, each)
    if not len(ends) or ends[-1] < len(total):
        ends = np.concatenate([ends, [len(total)]]).astype(np.int64)
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    p50 = slowing.medians(series.latencies, series.latency_first, starts, ends)
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
