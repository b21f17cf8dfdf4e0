"""Test that a version with a first measurement only can be proven alone: its speed, then its predictions."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from finished_run import finished_space
from flows import go

from app.domain.choose import is_gain
from app.domain.variant import Measurement, Screening, Variant
from app.services.after.one_version import prove_alone, prove_alone_s
from app.services.after.run_data import alone_s
from app.services.flow.driver import Driver
from app.services.flow.events import JobBegan, ignore
from app.services.flow.steps import FlowCancelled
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from app.services.run.costs import SWITCH_S
from app.services.run.figures import with_figures


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Yield the sample with two versions on 60 pictures; measurements take two sets."""
    monkeypatch.setenv("FETTLE_WAIT_FOR_QUIET_S", "0")
    monkeypatch.setattr("app.services.run.prove_other.FINAL_SETS", 2)
    yield from finished_space(tmp_path / "finished")


def first_look(space: Workspace, variant_id: str = "v1") -> Variant:
    """Return the version as it was after a first measurement, without a verdict."""
    known = space.repositories.variants.get(variant_id)
    looked = Measurement(latency_p50_ms=2.0, latency_mean_ms=2.0, n=320, speedup=2.0, sets=1, load_ms=50.0)
    made = dataclasses.replace(
        known, state="measured", measurement=looked, judgement=None, answers_key=None, screening=Screening(n=12)
    )
    space.repositories.variants.update(made)
    return made


def prove(space: Workspace, variant: Variant, events: list[Any]) -> Variant:
    flow = prove_alone(space, read_facts(space, "r1"), variant)
    go(space, flow, events.append)
    return space.repositories.variants.get(variant.id)


@pytest.mark.whole
def test_prove_alone_with_a_first_measurement_measures_in_turn(space: Workspace) -> None:
    """Given a version with a first measurement, When it is proven alone, Then it has side-by-side figures and stored
    requests, and is tested if it is a gain; other versions are unchanged."""
    version, events = first_look(space), list[Any]()
    others = [one for one in read_facts(space, "r1").variants if one.id != "v1"]
    proven = prove(space, version, events)
    assert (proven.state, proven.measurement.sets) == ("confirmed", 2)
    assert proven.measurement.speedup_low is not None
    assert (proven.judgement is not None) is is_gain(proven, "speed")
    kinds = [event.kind for event in events if isinstance(event, JobBegan)]
    assert "measure" in kinds and ("judge" in kinds) is is_gain(proven, "speed")
    facts = read_facts(space, "r1")
    assert [one for one in facts.variants if one.id != "v1"] == others
    points = space.repositories.latencies.of_run("r1")
    assert sum(point.variant_id == "v1" for point in points) == proven.measurement.n


@pytest.mark.whole
@pytest.mark.parametrize(("times", "looks"), [(1.5, 1), (1.02, 0)])
def test_prove_alone_of_a_version_that_is_not_faster_costs_no_look(
    space: Workspace, monkeypatch: pytest.MonkeyPatch, times: float, looks: int
) -> None:
    """Given a first measurement that looked twice as fast, When it is measured side by side, Then a gain is judged and
    may be recommended; otherwise it is not judged, and the run keeps the original."""

    def made_up(*given: Any, **more: Any) -> Variant:
        one = with_figures(*given, **more)
        found = dataclasses.replace(
            one.measurement, speedup=times, speedup_low=times - 0.005, under_load=False, p90_speedup=times
        )
        return dataclasses.replace(one, measurement=found)

    monkeypatch.setattr("app.services.run.prove_other.with_figures", made_up)
    version, events = first_look(space), list[Any]()
    assert (prove(space, version, events).judgement is not None) == bool(looks)
    assert read_facts(space, "r1").run.recommended_variant_id == ("v1" if looks else None)


@pytest.mark.whole
def test_prove_alone_cancelled_while_it_measures_changes_nothing(space: Workspace) -> None:
    """Given a version with a first measurement, When the proof is cancelled while it measures, Then everything is
    unchanged."""
    version = first_look(space)
    before = read_facts(space, "r1")
    driver = Driver(space, prove_alone(space, before, version), ignore)
    for _ in range(20):
        driver.tick()
    driver.cancel()
    with pytest.raises(FlowCancelled):
        run_to_end(driver)
    assert read_facts(space, "r1") == before


def test_prove_alone_s_includes_the_side_by_side_measurement(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a version with a first measurement, Then the time of the proof is that of its predictions and of ten
    processes with two turns each; once it was measured side by side, that of the predictions alone."""
    monkeypatch.setattr("app.services.run.costs.usable_cores", lambda: 1)
    baseline = space.repositories.variants.get("v0")
    timed = dataclasses.replace(baseline.measurement, latency_mean_ms=4.0, load_ms=100.0)
    space.repositories.variants.update(dataclasses.replace(baseline, measurement=timed))
    gain = space.repositories.variants.get("v1")
    version, facts = first_look(space), read_facts(space, "r1")
    answers_s, seconds = alone_s(space, facts, version), prove_alone_s(space, facts, version)
    in_turn_s = 5 * (2 * 0.4 + 0.15 + 2 * (2 * SWITCH_S + 50 * 0.006))  # start, load, two turns of 50 requests each
    assert seconds == pytest.approx(answers_s + in_turn_s, rel=0.01)
    assert prove_alone_s(space, facts, dataclasses.replace(gain, judgement=None)) == alone_s(space, facts, gain)
