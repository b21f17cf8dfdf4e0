"""Alarms and words of a log: models that fail silently, logs without evaluation data, several releases, latency."""

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_traffic import Pool, Traffic, drawn, reference_from, sample

from workers.contracts.after.monitor import MonitorResult
from workers.monitor.bins import Expected, usual_edges
from workers.monitor.reading import LogPart, ReadLog, Record
from workers.monitor.reference import Reference
from workers.monitor.report import report
from workers.monitor.words import day, is_enough, summary

TRAFFIC = Traffic(requests=3000, days=3.0)


@pytest.fixture(scope="module")
def pool() -> Pool:
    clothes = sample()
    return clothes.pool(clothes.pictures, clothes.kinds)


@pytest.fixture(scope="module")
def darker() -> Pool:
    """Return the pool of pictures that are 30 % darker."""
    clothes = sample()
    return clothes.pool(clothes.pictures * 0.7, clothes.kinds)


@pytest.fixture(scope="module")
def part(pool: Pool) -> LogPart:
    half = np.random.default_rng(1).permutation(len(pool))
    reference = replace(reference_from(pool.of(half[:700])), names=tuple(sample().pipeline.spec.classes or ()))
    return drawn(pool.of(half[700:]), reference, TRAFFIC, 5)


@pytest.fixture(scope="module")
def usual_bins(pool: Pool) -> Reference:
    """Return the bins of a log whose bundle has no evaluation data."""
    edges = {name: usual_edges(name) for name in pool.figures}
    return Reference({name: Expected(one, (0,) * (len(one) + 1), None) for name, one in edges.items()})


def reported(*parts: LogPart, left_out: dict[str, int] | None = None) -> MonitorResult:
    """Return the report of these parts as the job returns it."""
    return MonitorResult.model_validate(report(ReadLog(parts, left_out or {}, bool(left_out), 2 if left_out else 0)))


def from_line(part: LogPart, change: Any) -> LogPart:
    """Apply `change` to each line of the last 2,000 requests."""
    done = np.cumsum([one.n for one in part.records])
    first = int(np.searchsorted(done, done[-1] - 2000))
    return replace(part, records=[*part.records[:first], *(change(one) for one in part.records[first:])])


def fails(one: Record) -> Record:
    return replace(one, errors=one.errors + one.n // 4 + (one.t % 2 > 1))


def with_confidence(one: Record, total: float, counts: tuple[int, ...], **others: Any) -> Record:
    return replace(one, figures={**others, "confidence": (total, counts)})


def unsure(one: Record) -> Record:
    counts = one.figures["confidence"][1]
    return with_confidence(one, 0.2 * sum(counts), (sum(counts), *([0] * (len(counts) - 1))), **one.figures)


FAILURES = {
    "errors": fails,
    "one_answer": lambda one: replace(one, classes={3: sum(one.classes.values())}),
    "not_numbers": lambda one: replace(one, not_finite=one.n // 2),
    "unsure": unsure,
}


@pytest.mark.parametrize("code", sorted(FAILURES))
def test_report_of_silent_failure_has_one_open_danger(part: LogPart, code: str) -> None:
    """Given a quiet log, when the model fails from a moment on but gives predictions, then one alarm goes on."""
    assert not reported(part).alerts
    (alert,) = (alert for alert in reported(from_line(part, FAILURES[code])).alerts if alert.code == code)
    assert (alert.until, alert.level, bool(alert.advice)) == (None, "danger", True)
    assert "None" not in alert.what and alert.name == ("Dress" if code == "one_answer" else "")


@pytest.mark.parametrize(("share", "code", "rises"), [(0.3, "unfamiliar", True), (1.0, "unsure", False)])
def test_low_confidence_without_energy_is_an_alarm(part: LogPart, share: float, code: str, rises: bool) -> None:
    """Given a model whose scores are no logits, when a third or all of its predictions become unsure, then the share of
    unfamiliar inputs or the mean confidence raises the alarm."""

    def less_sure(one: Record) -> Record:
        total, counts = one.figures["confidence"]
        moved = [round(count * (1 - share)) for count in counts]
        moved[0] += sum(counts) - sum(moved)
        return with_confidence(one, total * (1 - share), tuple(moved))

    quiet = replace(
        part,
        reference=replace(part.reference, statistics={"confidence": part.reference.statistics["confidence"]}),
        records=[with_confidence(one, *one.figures["confidence"]) for one in part.records],
    )
    assert not reported(quiet).alerts
    (alert,) = reported(from_line(quiet, less_sure)).alerts
    assert (alert.code, alert.statistic) == (code, "confidence")
    assert alert.before is not None and alert.now is not None and (alert.now > alert.before) is rises


def test_alarm_ends_when_failures_end(part: LogPart) -> None:
    """Given errors in the middle of a log, then the alarm has an end, and its sentence names begin and end."""
    done = np.cumsum([one.n for one in part.records])
    records = [fails(one) if 800 < at < 1600 else one for one, at in zip(part.records, done, strict=True)]
    (alert,) = reported(replace(part, records=records)).alerts
    assert alert.until is not None and part.records[0].t < alert.since < alert.until < part.records[-1].t
    assert " to " in alert.what


def test_report_of_failed_requests_alone_is_an_alarm(part: LogPart) -> None:
    """Given a log in which every request failed, then there is one alarm of errors and no request was answered."""
    nothing = {"n": 0, "figures": {}, "classes": {}, "latency": {}}
    result = reported(replace(part, records=[replace(one, errors=one.n + 1, **nothing) for one in part.records]))
    assert ([alert.code for alert in result.alerts], result.drift.requests) == (["errors"], 0)


def test_log_without_evaluation_data_is_compared_with_its_beginning(
    pool: Pool, darker: Pool, usual_bins: Reference
) -> None:
    """Given a bundle without a reference, then quiet traffic raises no alarm, and darker pictures after 2,000 requests
    do."""
    quiet = drawn(pool, usual_bins, TRAFFIC, 3)
    changed = drawn(pool, usual_bins, TRAFFIC, 3, 2000, darker)
    assert not reported(replace(quiet, reference=Reference())).alerts
    result = reported(replace(changed, reference=Reference()))
    assert ("brightness", -1) in {(alert.statistic, alert.direction) for alert in result.alerts}


@pytest.mark.parametrize("requests", [20, 60, 999, 1000, 1001])
def test_report_of_short_log_without_evaluation_data_learns_and_counts(
    pool: Pool, usual_bins: Reference, requests: int
) -> None:
    """Given up to 1,001 requests without evaluation data, then they are counted without an alarm or an all-clear."""
    quiet = drawn(pool, usual_bins, Traffic(requests=requests, days=1.0, errors=0.0), 3)
    drift = reported(replace(quiet, reference=Reference())).drift
    assert (drift.requests, drift.expected) == (requests, 0)
    assert not is_enough(vars(drift)) and "No alarm" not in summary(vars(drift), [])


def test_failures_in_short_log_without_evaluation_data_are_an_alarm(pool: Pool, usual_bins: Reference) -> None:
    """Given 500 requests without evaluation data of which a quarter fails, then there is an alarm."""
    quiet = drawn(pool, usual_bins, Traffic(requests=500, days=1.0), 3)
    result = reported(replace(quiet, reference=Reference(), records=[fails(one) for one in quiet.records]))
    assert [(alert.code, alert.before) for alert in result.alerts] == [("errors", None)]
    assert result.drift.summary.startswith("1 alarm in ")


def test_figures_are_of_the_latest_release(part: LogPart) -> None:
    """Given two releases and skipped lines in one log, then the figures are of the later release, each alarm names its
    own, and notes list what is unusual about the log."""
    later = replace(part, bundle="1" * 12, title="Newer", records=[replace(one, t=one.t + 1e6) for one in part.records])
    result = reported(from_line(part, fails), later, left_out={"not_a_line": 1, "newer": 2})
    drift = result.drift
    assert (drift.bundle, drift.title, drift.bundles, len(drift.notes)) == ("1" * 12, "Newer", 2, 5)
    assert [alert.bundle for alert in result.alerts] == ["0" * 12]
    assert len(drift.points) > 20 and len(drift.statistics) == 5
    assert all(0 < row.place < 1 for row in drift.statistics)


def test_darker_pictures_explain_less_contrast_and_detail(pool: Pool, darker: Pool, part: LogPart) -> None:
    """Given darker pictures, then contrast and detail follow from brightness."""
    result = reported(drawn(pool, part.reference, TRAFFIC, 4, 1500, darker))
    assert {alert.statistic: alert.follows for alert in result.alerts if alert.code == "shift"} == {
        "brightness": "", "contrast": "brightness", "detail": "brightness",
    }  # fmt: skip


def test_summary_has_both_median_latencies(part: LogPart) -> None:
    """Given predictions that take 40 % less time in the second half, then there is no alarm, and the summary has both
    medians; given predictions from the cache alone, then both are unknown."""
    timed = [replace(one, latency={24 - 6 * (at >= 60): one.n}) for at, one in enumerate(part.records[:120])]
    result = reported(replace(part, records=timed))
    assert not result.alerts
    assert result.drift.latency_before_ms == pytest.approx(2 ** (24 / 8), rel=0.05)
    assert result.drift.latency_now_ms == pytest.approx(2 ** (18 / 8), rel=0.05)
    assert result.drift.summary.endswith(" Median latency: 4.76 ms now, 7.98 ms at the beginning.")
    untimed = reported(replace(part, records=[replace(one, latency={}) for one in part.records[:10]])).drift
    assert (untimed.latency_before_ms, untimed.latency_now_ms) == (None, None)


def test_summary_counts_alarms_and_changes_that_follow() -> None:
    """Given alarms with and without changes that follow from them, then the sentence counts both."""
    drift = {"requests": 6000, "errors": 0, "needed": 100}
    cause, over = {"follows": "", "until": None}, {"follows": "", "until": 5.0}
    follows = {"follows": "brightness", "until": None}
    assert summary(drift, [cause]) == "1 alarm in 6,000 requests."
    assert summary(drift, [follows, cause, follows]) == "1 alarm, and 2 changes that came with it, in 6,000 requests."
    assert summary(drift, [cause, over, follows]) == (
        "2 alarms, 1 still on, and 1 change that came with them, in 6,000 requests."
    )


def test_day_of_another_year_has_its_year() -> None:
    """Given a moment of this year and one of 2001, then only the second has its year."""
    this_year = time.localtime().tm_year
    assert day(time.mktime((this_year, 3, 4, 14, 5, 0, 0, 0, -1))) == "4 Mar 14:05"
    assert day(time.mktime((2001, 3, 4, 14, 5, 0, 0, 0, -1))) == "4 Mar 2001, 14:05"
