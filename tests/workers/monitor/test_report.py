"""What else a log tells: failures that give answers all the same, logs without evaluation data, several releases, and words."""

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
from workers.monitor.report import alerts_of, report, watch_of
from workers.monitor.words import day, is_enough, left_out, summary, worded

TRAFFIC = Traffic(requests=3000, days=3.0)


@pytest.fixture(scope="module")
def pool() -> Pool:
    known = sample()
    return known.pool(known.pictures, known.kinds)


@pytest.fixture(scope="module")
def part(pool: Pool) -> LogPart:
    half = np.random.default_rng(1).permutation(len(pool))
    reference = replace(reference_from(pool.of(half[:700])), names=tuple(sample().pipeline.spec.classes or ()))
    return drawn(pool.of(half[700:]), reference, TRAFFIC, 5)


def from_line(part: LogPart, change: Any) -> LogPart:
    """With `change` made to each line of the last 2,000 requests."""
    done = np.cumsum([one.n for one in part.records])
    first = int(np.searchsorted(done, done[-1] - 2000))
    return replace(part, records=[*part.records[:first], *(change(one) for one in part.records[first:])])


def fails(one: Record) -> Record:
    return replace(one, errors=one.errors + one.n // 4 + (one.t % 2 > 1))


def one_answer(one: Record) -> Record:
    return replace(one, classes={3: sum(one.classes.values())})


def not_numbers(one: Record) -> Record:
    return replace(one, not_finite=one.n // 2)


def unsure(one: Record) -> Record:
    counts = one.figures["confidence"][1]
    return replace(
        one, figures={**one.figures, "confidence": (0.2 * sum(counts), (sum(counts), *([0] * (len(counts) - 1))))}
    )


FAILURES = {"errors": fails, "one_answer": one_answer, "not_numbers": not_numbers, "unsure": unsure}


@pytest.mark.parametrize("code", sorted(FAILURES))
def test_silent_failures_are_told(part: LogPart, code: str) -> None:
    """Given a model that goes on answering, when it fails, then that is told as a danger, and goes on."""
    assert not alerts_of(watch_of(part))
    found = [alert for alert in alerts_of(watch_of(from_line(part, FAILURES[code]))) if alert.code == code]
    assert len(found) == 1 and found[0].until is None
    said = worded(vars(found[0]), "image")
    assert said["level"] == "danger" and said["advice"] and "None" not in said["what"]
    if code == "one_answer":
        assert said["name"] == "Dress"


@pytest.mark.parametrize(("share", "code", "rises"), [(0.3, "unfamiliar", True), (1.0, "unsure", False)])
def test_low_confidence_is_told_where_there_is_no_energy(part: LogPart, share: float, code: str, rises: bool) -> None:
    """Given a model whose scores are no logits, when a third or all of its answers get unsure, then confidence tells it:
    by the share of unfamiliar ones, or by its mean."""

    def only_confidence(one: Record) -> Record:
        return replace(one, figures={"confidence": one.figures["confidence"]})

    def less_sure(one: Record) -> Record:
        total, counts = one.figures["confidence"]
        moved = [round(count * (1 - share)) for count in counts]
        moved[0] += sum(counts) - sum(moved)
        return replace(one, figures={"confidence": (total * (1 - share), tuple(moved))})

    quiet = replace(
        part,
        reference=replace(part.reference, statistics={"confidence": part.reference.statistics["confidence"]}),
        records=[only_confidence(one) for one in part.records],
    )
    assert not alerts_of(watch_of(quiet))
    (alert,) = alerts_of(watch_of(from_line(quiet, less_sure)))
    assert (alert.code, alert.statistic) == (code, "confidence")
    assert alert.before is not None and alert.now is not None and (alert.now > alert.before) is rises
    assert worded(vars(alert), "image")["what"]


def test_an_alarm_ends_when_all_is_as_it_was_again(part: LogPart) -> None:
    """Given errors for a while in the middle, then the alarm has an end, and words for both."""
    done = np.cumsum([one.n for one in part.records])
    records = [fails(one) if 800 < at < 1600 else one for one, at in zip(part.records, done, strict=True)]
    (alert,) = alerts_of(watch_of(replace(part, records=records)))
    assert alert.until is not None and part.records[0].t < alert.since < alert.until < part.records[-1].t
    assert " to " in worded(vars(alert), "text")["what"]


def test_a_model_that_answers_nothing_at_all_is_told(part: LogPart) -> None:
    """Given a log in which every request failed, then errors are told, and no figure is missed."""
    broken = replace(
        part, records=[replace(one, n=0, errors=one.n + 1, figures={}, classes={}, latency={}) for one in part.records]
    )
    found = report(ReadLog((broken,), {}, False, 0))
    assert [alert["code"] for alert in found["alerts"]] == ["errors"]
    assert found["drift"]["requests"] == 0


def test_without_evaluation_data_the_beginning_is_what_is_usual(pool: Pool) -> None:
    """Given a bundle without a reference, then the first thousand requests stand for it: quiet stays quiet, and darker
    pictures after them are told."""
    known = sample()
    empty = Reference()
    edges = _with_usual_edges(pool)
    darker = known.pool(known.pictures * 0.7, known.kinds)
    quiet = replace(drawn(pool, edges, TRAFFIC, 3), reference=empty)
    assert not alerts_of(watch_of(quiet))
    changed = replace(drawn(pool, edges, TRAFFIC, 3, 2000, darker), reference=empty)
    assert ("brightness", -1) in {(alert.statistic, alert.direction) for alert in alerts_of(watch_of(changed))}


@pytest.mark.parametrize("requests", [20, 60, 999, 1000, 1001])
def test_report_of_short_log_without_evaluation_data_learns_and_counts(pool: Pool, requests: int) -> None:
    """Given a bundle without evaluation data and up to 1,001 requests, then the report counts them, raises no alarm and
    does not claim that nothing changed."""
    traffic = Traffic(requests=requests, days=1.0, errors=0.0)
    part = replace(drawn(pool, _with_usual_edges(pool), traffic, 3), reference=Reference())
    drift = report(ReadLog((part,), {}, False, 0))["drift"]
    assert (drift["requests"], drift["expected"]) == (requests, 0)
    assert not is_enough(drift) and "No alarm" not in summary(drift, [])


def test_failures_in_a_short_log_without_evaluation_data_are_reported(pool: Pool) -> None:
    """Given a bundle without evaluation data of which a quarter of 500 requests fails, then that is an alarm already:
    it needs no evaluation data."""
    traffic = Traffic(requests=500, days=1.0)
    part = replace(drawn(pool, _with_usual_edges(pool), traffic, 3), reference=Reference())
    part = replace(part, records=[fails(one) for one in part.records])
    found = report(ReadLog((part,), {}, False, 0))
    assert [(alert["code"], alert["before"]) for alert in found["alerts"]] == [("errors", None)]
    assert summary(found["drift"], [{**found["alerts"][0], "follows": ""}]).startswith("1 alarm in ")


def _with_usual_edges(pool: Pool) -> Reference:
    """What `Log` bins by where nothing is known."""
    edges = {name: usual_edges(name) for name in pool.figures}
    return Reference({name: Expected(one, (0,) * (len(one) + 1), None) for name, one in edges.items()})


def test_figures_are_those_of_the_release_that_answers_now(part: LogPart) -> None:
    """Given two releases in one log, then figures are of the later one, and each alarm names its own."""
    later = replace(part, bundle="1" * 12, title="Newer", records=[replace(one, t=one.t + 1e6) for one in part.records])
    found = report(ReadLog((from_line(part, fails), later), {}, False, 0))
    assert (found["drift"]["bundle"], found["drift"]["title"], found["drift"]["bundles"]) == ("1" * 12, "Newer", 2)
    assert [alert["bundle"] for alert in found["alerts"]] == ["0" * 12]


def test_darker_pictures_take_contrast_along(pool: Pool, part: LogPart) -> None:
    """Given darker pictures, then contrast and detail follow from brightness, and are told so."""
    known = sample()
    darker = known.pool(known.pictures * 0.7, known.kinds)
    found = alerts_of(watch_of(drawn(pool, part.reference, TRAFFIC, 4, 1500, darker)))
    assert {alert.statistic: alert.follows for alert in found if alert.code == "shift"} == {
        "brightness": "", "contrast": "brightness", "detail": "brightness",
    }  # fmt: skip


def test_latency_that_fell_is_in_the_summary_of_a_log_without_alarm(part: LogPart) -> None:
    """Given predictions that take 40 % less time in the second half, then there is no alarm, and both medians are in the
    report and in its sentence."""
    timed = [replace(one, latency={24 - 6 * (at >= 60): one.n}) for at, one in enumerate(part.records[:120])]
    found = report(ReadLog((replace(part, records=timed),), {}, False, 0))
    drift = found["drift"]
    assert not found["alerts"]
    assert drift["latency_before_ms"] == pytest.approx(2 ** (24 / 8), rel=0.05)
    assert drift["latency_now_ms"] == pytest.approx(2 ** (18 / 8), rel=0.05)
    assert summary(drift, []).endswith(" Median latency: 4.76 ms now, 7.98 ms at the beginning.")


def test_latency_that_was_not_logged_is_unknown(part: LogPart) -> None:
    """Given a log whose predictions all come from the cache, then both medians are None."""
    untimed = replace(part, records=[replace(one, latency={}) for one in part.records[:10]])
    drift = report(ReadLog((untimed,), {}, False, 0))["drift"]
    assert (drift["latency_before_ms"], drift["latency_now_ms"]) == (None, None)


def test_what_came_with_an_alarm_is_counted_beside_it() -> None:
    """Given one alarm with two changes that came with it, then the sentence names both numbers, as the lines above show
    them; without any, it names the alarm alone."""
    drift = {"requests": 6000, "errors": 0, "needed": 100}
    cause = {"follows": "", "until": None}
    came = {"follows": "brightness", "until": None}
    assert summary(drift, [cause]) == "1 alarm in 6,000 requests."
    assert summary(drift, [came, cause, came]) == "1 alarm, and 2 changes that came with it, in 6,000 requests."
    over = {"follows": "", "until": 5.0}
    assert summary(drift, [cause, over, came]) == (
        "2 alarms, 1 still on, and 1 change that came with them, in 6,000 requests."
    )


def test_the_report_is_that_of_the_contract(part: LogPart) -> None:
    """Given any report with words, then it fits the job's result, and its points and rows are finite numbers."""
    found = report(ReadLog((from_line(part, fails),), {"not_a_line": 1}, True, 2))
    drift = {**found["drift"], "notes": left_out(found["drift"]), "summary": summary(found["drift"], found["alerts"])}
    drift["statistics"] = [{**row, "title": row["statistic"]} for row in drift["statistics"]]
    result = MonitorResult.model_validate(
        {"drift": drift, "alerts": [worded(alert, "image") for alert in found["alerts"]]}
    )
    assert len(result.drift.points) > 20 and len(result.drift.statistics) == 5
    assert len(result.drift.notes) == 3
    assert all(0 < row.place < 1 for row in result.drift.statistics)


def test_day_of_another_year_has_its_year() -> None:
    """Given a moment of this year and one of 2001, then only the second has its year."""
    this_year = time.localtime().tm_year
    now = time.mktime((this_year, 3, 4, 14, 5, 0, 0, 0, -1))
    assert day(now) == "4 Mar 14:05"
    assert day(time.mktime((2001, 3, 4, 14, 5, 0, 0, 0, -1))) == "4 Mar 2001 14:05"
