"""Tests of the values of the page Monitor: the headline claims no more than the figures below it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_traffic import Traffic, drawn, reference_from, sample, write_log

from app.controllers.monitor.presenter import monitor_value
from widgets.pages.monitor.value import MonitorValue
from workers.contracts.after.monitor import MonitorResult
from workers.monitor.reading import LogPart
from workers.monitor.reference import Reference
from workers.monitor.report import report_log


@pytest.fixture(scope="module")
def quiet() -> LogPart:
    """Draw 2,000 requests in which nothing changes."""
    source = sample()
    pool = source.pool(source.pictures, source.kinds)
    half = np.random.default_rng(0).permutation(len(pool))
    traffic = Traffic(requests=2000, days=10.0, errors=0.0)
    return drawn(pool.of(half[700:]), reference_from(pool.of(half[:700])), traffic, 2)


def value_of(part: LogPart, folder: Path) -> MonitorValue:
    """Write the log, read it as the worker does, and make the page's value of it."""
    result = MonitorResult.model_validate(report_log(write_log(part, folder / "log", "r1")))
    return monitor_value(result, "log", has_project=True)


def test_headline_of_quiet_log_counts_alarms_only(quiet: LogPart, tmp_path: Path) -> None:
    """Given predictions that take 40 % less time in the second half, then the headline is about inputs and predictions.
    The latency figure shows both medians and their ratio."""
    half = len(quiet.records) // 2
    timed = [replace(one, latency={37 - 6 * (at >= half): one.n}) for at, one in enumerate(quiet.records)]
    value = value_of(replace(quiet, records=timed), tmp_path)
    assert value.headline == "No alarm: inputs and predictions are unchanged"
    latency = value.figures[2]
    assert latency[::2] == ("14.7", "24.6 ms at the beginning, 1.7 times as fast now")
    course = next(course for course in value.courses if course.title == "Latency")
    assert course.usual == pytest.approx(24.6, rel=0.01) and course.usual_name == "at the beginning"


def test_latency_within_a_fifth_has_no_factor(quiet: LogPart, tmp_path: Path) -> None:
    """Given predictions that take as long as at the beginning, then no factor is shown."""
    timed = [replace(one, latency={24: one.n}) for one in quiet.records]
    assert value_of(replace(quiet, records=timed), tmp_path).figures[2][2].endswith("at the beginning")


def test_courses_have_a_line_for_the_evaluation_data(quiet: LogPart, tmp_path: Path) -> None:
    """Given evaluation data, then each figure has the line "when it was tested"; without any, "at the beginning"."""
    names = {course.usual_name for course in value_of(quiet, tmp_path / "with").courses if course.title != "Latency"}
    assert names == {"when it was tested"}
    without = replace(quiet, reference=Reference(), records=[_usual(one) for one in quiet.records])
    value = value_of(without, tmp_path / "without")
    assert all(course.usual is not None for course in value.courses)
    assert {course.usual_name for course in value.courses} == {"at the beginning"} and not value.is_tested


def _usual(record: object) -> object:
    """Return a record whose figures have the bins of a bundle without evaluation data."""
    from workers.monitor.bins import binned, usual_edges

    figures = {}
    for name, (total, counts) in record.figures.items():
        n = sum(counts)
        figures[name] = (total, tuple(binned(np.full(n, total / max(1, n)), usual_edges(name)).tolist()))
    return replace(record, figures=figures)


@pytest.mark.parametrize("n", [40, 700])
def test_headline_of_short_log_says_how_many_requests_are_needed(quiet: LogPart, tmp_path: Path, n: int) -> None:
    """Given 40 requests with evaluation data, or 700 without, then neither headline nor rows claim anything, and the
    headline names the required number."""
    reference = quiet.reference if n == 40 else Reference()
    kept = int(np.searchsorted(np.cumsum([one.n for one in quiet.records]), n))
    part = replace(quiet, reference=reference, records=[_usual(one) for one in quiet.records[:kept]])
    records = quiet.records[:kept] if n == 40 else part.records
    value = value_of(replace(part, records=records), tmp_path)
    assert value.headline == f"Changes can be detected from {'200' if n == 40 else '1,200'} requests on"
    shown = {(row[3].tag, row[3].text) for row in value.rows}
    assert shown == ({("none", "Too few requests")} if n == 40 else set())
