"""Test a finished run under load with real workers: stored parts, parts that are not repeated, and cancellation."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from finished_run import finished_space
from flows import go, refusal

from app.services.after import loading
from app.services.after.exporting import ExportRequest, card_facts
from app.services.after.loading import (
    about,
    best_per_s,
    busy_words,
    capacity_words,
    headline,
    measure_load,
    plan_words,
    stages,
)
from app.services.flow.driver import Driver
from app.services.flow.events import JobBegan
from app.services.flow.steps import FlowCancelled, JobError
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.records.after_run import LOAD, LoadRecord, Price, read_load, read_price, write_load, write_price
from app.services.records.facts import RunFacts, read_facts
from workers.contracts.after.load import CapacityResult, CapacityTry, Paired, VersionLoad
from workers.contracts.error_info import ErrorInfo
from workers.contracts.specs import DeviceFacts, LatencySummary
from workers.contracts.wording import about as duration_about

DEVICE = DeviceFacts(processor="A processor", cores=2, memory_bytes=1)
SECONDS = 0.3


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Yield the sample with the original and two versions."""
    yield from finished_space(tmp_path_factory.mktemp("load"))


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure one cold start and one set of processes."""
    monkeypatch.setattr(loading, "COLD_STARTS", 1)
    monkeypatch.setattr(loading, "PAIRED_SETS", 1)
    monkeypatch.setattr(loading, "PAIRED_PACE", dataclasses.replace(loading.PAIRED_PACE, block_max_s=0.2))


def measure(space: Workspace, facts: RunFacts, events: list[Any], cancel_at: int = 0) -> LoadRecord:
    """Measure the load, and cancel when the job of this number begins."""
    driver = Driver(space, measure_load(space, facts, facts.recommended, SECONDS), events.append)
    while cancel_at and driver.tick():
        if len(jobs(events)) >= cancel_at:
            driver.cancel()
    return run_to_end(driver)


def jobs(events: list[Any]) -> list[str]:
    return [event.title for event in events if isinstance(event, JobBegan)]


@pytest.mark.whole
def test_interrupted_load_is_resumed_and_stored(space: Workspace) -> None:
    """Given a measurement that is cancelled and begun again, Then finished parts are not measured twice, the record has
    both versions side by side, and a repeated measurement is made anew."""
    facts = read_facts(space, "r1")
    broken: list[Any] = []
    with pytest.raises(FlowCancelled):
        measure(space, facts, broken, cancel_at=4)
    assert not read_load(space.repositories, "r1"), "nothing is kept before the end"

    events: list[Any] = []
    record = measure(space, facts, events)
    assert jobs(broken)[1:3] == ["Batch sizes: Original", "Batch sizes: Faster engine"]
    assert jobs(events)[1:3] == ["Request rates: Faster engine", "Request rates: Original"], "the order is turned round"
    assert read_load(space.repositories, "r1").get(str(record.variant and record.variant.variant_id)) == record
    for version in (record.original, record.variant):
        assert version.missing == ()
        assert version.sweep is not None and version.serving is not None and version.cold is not None
        assert best_per_s(version) == max(point.throughput_per_s for point in version.sweep.points)
        assert len(version.cold.total_ms) == 1
    paired = record.paired
    assert paired.ratio > 0 and paired.n > 0 and paired.original_per_s > 0
    assert headline(record).startswith("On this computer “Faster engine” answers about")

    again = first(space, measure_load(space, facts, facts.recommended, SECONDS))
    assert again.params.round == record.round + 1, "a repeated measurement is not cached"


def test_part_that_fails_is_reported_and_the_rest_measured(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a part that every version refuses, Then the reason is recorded; if nothing can be measured, that is an
    error."""
    facts = read_facts(space, "r1")

    def refused(part: str) -> Any:
        flow = measure_load(space, facts, None, SECONDS)
        step = first(space, flow)
        while step.kind != "load" or step.params.part != part:
            step = flow.send(go(space, one(step)))
        return flow, step

    flow, _ = refused("serving")
    error = JobError(ErrorInfo(code="no_load", title="No", detail="It carries state.", hint="-"), 3)
    step = flow.throw(error)
    while True:
        try:
            step = flow.send(go(space, one(step)))
        except StopIteration as stop:
            record: LoadRecord = stop.value
            break
    assert record.variant is None and record.paired is None
    assert record.original.missing == ("Request rates: It carries state.",)
    assert read_load(space.repositories, "r1").get("v0") == record

    monkeypatch.setattr(loading, "PARTS", ("sweep",))
    flow = measure_load(space, facts, None, SECONDS)
    first(space, flow)
    report = refusal(flow.throw, error)
    assert report.error.code == "nothing_measured" and "It carries state." in report.error.detail


def first(space: Workspace, flow: Any) -> Any:
    """Return the first step that measures, once the computer is described."""
    return flow.send(go(space, one(next(flow))))


def one(step: Any) -> Any:
    """Return a flow of one step."""
    done = yield step
    return done


def test_missing_files_are_refused_before_the_measurement(space: Workspace) -> None:
    facts = read_facts(space, "r1")
    gone = dataclasses.replace(facts.made[0], artifact_key="0" * 64)
    assert refusal(next, measure_load(space, facts, gone, SECONDS)).error.code == "store_damaged"


def test_stages_lists_all_steps_with_their_time(space: Workspace) -> None:
    facts = read_facts(space, "r1")
    plan = stages(facts, facts.recommended, 10.0)
    assert [stage.index for stage in plan] == list(range(len(plan)))
    assert plan[-1].title == "Both in turn" and plan[-2].title == "Cold start"
    assert stages(facts, None, 10.0)[-1].title == "Cold start"
    assert sum(stage.expected_s for stage in stages(facts, facts.recommended, 60.0)) > sum(s.expected_s for s in plan)


def test_a_limit_of_latency_is_one_part_more(space: Workspace) -> None:
    """Given a latency limit, Then each version has a part for the highest rate within it, which the words describe."""
    facts = read_facts(space, "r1")
    plan = stages(facts, facts.recommended, 10.0)
    total_s = sum(stage.expected_s for stage in plan)
    assert str(len(plan)) in plan_words(plan, 10.0) and duration_about(total_s) in plan_words(plan, 10.0)
    more = [stage.part for stage in stages(facts, facts.recommended, 10.0, 20.0)]
    assert more.count("capacity") == 2 and not any(s.part == "capacity" for s in stages(facts, None, 10.0))
    latency = LatencySummary(n=900, p50_ms=1, p90_ms=2, p99_ms=9, max_ms=9)
    held = CapacityTry(target_per_s=400, kept=True, n=900, seconds=2, latency=latency)
    found = CapacityResult(limit_ms=20, per_s=400, too_many_per_s=420, tries=(held,), compared=64, changed=0)
    assert capacity_words(found) == (
        "400 requests a second, 99 % within 20 ms; 420 were too many; all 64 answers under load as one at a time."
    )
    assert "3 of 64 answers" in capacity_words(found.model_copy(update={"changed": 3}))
    failed, untold = (held.model_copy(update={"kept": kept}) for kept in (False, None))
    none = found.model_copy(update={"per_s": None, "tries": (failed,), "compared": None})
    assert capacity_words(none) == "even 420 requests a second are too many for 99 % within 20 ms."
    assert "measure longer" in capacity_words(none.model_copy(update={"tries": (failed, untold)}))


def test_price_that_is_invalid_counts_as_missing(space: Workspace) -> None:
    """Given an invalid stored price, Then there is none; a valid one is kept until it is removed."""
    space.repositories.settings.put("load-price", {"per_hour": -1})
    assert read_price(space.repositories) is None
    price = Price(per_hour=0.25, currency="EUR", what="my own", date="2026-01-02")
    write_price(space.repositories, price)
    assert read_price(space.repositories) == price
    write_price(space.repositories, None)
    assert read_price(space.repositories) is None


def test_words_of_a_load_claim_no_more_than_its_figures(space: Workspace) -> None:
    """Given an interval around 1, a busy computer, or no valid figure, Then the words state that."""
    version = VersionLoad(variant_id="v2", title="A", runtime="openvino", busy_share=0.4)
    first = version.model_copy(update={"variant_id": "v0"})
    record = LoadRecord(
        run_id="r1", seconds=1, made_at=datetime.now(UTC), processor="p", cores=2, original=first
    )  # fmt: skip
    assert "no valid measurement" in headline(record) and "up to 40 %" in busy_words(record)
    quiet = record.model_copy(update={"original": first.model_copy(update={"busy_share": 0.01})})
    assert busy_words(quiet) == ""
    paired = Paired(
        original_batch=1, variant_batch=4, original_per_s=641.0, variant_per_s=1353.0, ratio=2.11,
        ratio_low=2.0, ratio_high=2.2, n=300, sets=3,
    )  # fmt: skip
    both = record.model_copy(update={"variant": version, "paired": paired})
    assert headline(both) == "On this computer “A” answers about 1,350 requests a second, 2.1 times the original's."
    tie = both.model_copy(update={"paired": paired.model_copy(update={"ratio": 1.02, "ratio_low": 0.97})})
    assert headline(tie).endswith("about as many as the original.")
    assert [about(value) for value in (12.34, 0.7312, 98765.0, 104.4)] == ["12.3", "0.731", "98,800", "104"]
    write_load(space.repositories, both)
    write_load(space.repositories, record)
    stored = read_load(space.repositories, "r1")
    assert (stored["v0"], stored["v2"]) == (record, both)
    for variant_id in ("v0", "v2"):
        space.repositories.records.delete(LOAD, variant_id)  # the tests share the folder


def test_card_has_the_load_of_its_version(space: Workspace) -> None:
    """Given a record of a version and a price, Then the cards of that version and of the original have both, others do
    not."""
    facts = read_facts(space, "r1")
    best = facts.recommended
    original = VersionLoad(variant_id=facts.baseline.id, title="Original", runtime="onnxruntime-cpu")
    this = VersionLoad(variant_id=best.id, title=best.title, runtime=best.runtime)
    record = LoadRecord(
        run_id="r1", seconds=10, made_at=datetime.now(UTC), processor="p", cores=2, original=original, variant=this
    )
    write_load(space.repositories, record)
    write_price(space.repositories, Price(per_hour=0.25, currency="EUR", what="my own"))
    facts = read_facts(space, "r1")
    request = ExportRequest(target="python", out=space.paths.root / "x.zip")
    load = card_facts(facts, best, request, DEVICE).load
    assert load.currency == "EUR" and "0.25 EUR an hour (my own)" in load.price_words
    assert load.this_cost is None, "no throughput was measured"
    assert card_facts(facts, facts.baseline, request, DEVICE).load is not None
    other = next(v for v in facts.variants if v.id not in (best.id, facts.baseline.id))
    assert card_facts(facts, other, request, DEVICE).load is None
