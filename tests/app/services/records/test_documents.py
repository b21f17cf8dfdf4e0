"""Test the JSON documents of docs/command-line.md, and the records of GPU figures."""

import dataclasses
import json
from dataclasses import replace

import pytest
from documented import NOW, a_run, variant

from app.cli.tables import version_lines
from app.domain.outcome import SearchEnd, outcome_of
from app.domain.project import Project
from app.domain.variant import Measurement
from app.services.flow.workspace import Workspace
from app.services.records.documents import compare_document, run_document, variant_document
from app.services.records.measured import CARD, SpeechRecord, save_card_results
from workers.contracts.jobs import MeasureResult, Speech
from workers.contracts.measured.card_figures import CardEnergy, CardFigures, CardNote, Spread
from workers.contracts.specs import TaskScore

ENDED = outcome_of([], "speed", SearchEnd(planned=2, untried=1, limit_s=60.0, more_s=12.0))


def test_figures_that_were_not_measured_are_null() -> None:
    """Given a version that was neither judged nor measured, Then its figures are null, and its verdict is
    "unmeasured"."""
    document = variant_document(
        variant("a", verdict=None, measurement=Measurement(), size_bytes=None, size_ratio=None, notes=())
    )
    assert document["verdict"] == "unmeasured"
    figures = {name: value for name, value in document.items() if name.endswith(("_ms", "_bytes", "_s", "_ratio"))}
    assert set(figures.values()) == {None}
    assert document["accuracy"] is None
    assert document["agreement"] is None
    assert document["speedup"] is None


def test_language_model_has_speeds_of_speaking_and_reading() -> None:
    """Given prompts of three lengths, Then the document has tokens a second, those of a medium prompt, and the share of
    what memory allows."""
    rows = tuple(Speech(prompt_tokens=n, first_ms=n / 2, tokens_per_s=50.0, n=9) for n in (32, 128, 512))
    measured = variant("a", measurement=Measurement(n=9, memory_share=0.78))
    document = variant_document(measured, SpeechRecord(rows=rows))
    assert (document["tokens_per_s"], document["prompt_tokens_per_s"], document["memory_share"]) == (50, 2000, 0.78)
    assert [row["prompt_tokens_per_s"] for row in document["speech"]] == [2000] * 3


@pytest.mark.parametrize(
    ("state", "n", "expected"),
    [("confirmed", 9, "side_by_side"), ("measured", 9, "first_look"), ("dropped", 0, None), ("applied", 0, None)],
)
def test_measured_names_the_kind_of_measurement(state: str, n: int, expected: str | None) -> None:
    """Given a version, Then the document states whether it was measured side by side."""
    made = replace(variant("a", measurement=Measurement(latency_p50_ms=1.0, n=n)), state=state)
    assert variant_document(made)["measured"] == expected


def test_a_share_of_zero_stays_zero() -> None:
    """Given a version without worse predictions, Then the share is 0, not null."""
    assert variant_document(variant("a"))["negative_flips"] == 0.0


def test_numbers_that_json_does_not_know_are_null() -> None:
    """Given NaN and infinity, Then the document is valid JSON."""
    measurement = Measurement(latency_p50_ms=float("nan"), speedup=float("inf"), n=1)
    document = variant_document(variant("a", measurement=measurement))
    assert document["latency_p50_ms"] is None
    assert document["speedup"] is None
    json.dumps(document, allow_nan=False)


def test_original_is_safe_with_a_speedup_of_one() -> None:
    """Given an original with few examples, Then its verdict is safe and its speedup 1; unmeasured stays unmeasured."""
    few = variant_document(variant("o", 0, "not_enough_data", is_baseline=True))
    assert (few["verdict"], few["speedup"]) == ("safe", 1.0)
    assert variant_document(variant("o", 0, "unmeasured", is_baseline=True))["verdict"] == "unmeasured"
    assert variant_document(variant("o", 0, None, is_baseline=True, measurement=Measurement()))["speedup"] is None


def test_notes_of_the_judge_are_among_the_notes() -> None:
    """Given notes of the version and of its judgement, Then the document has both, each once."""
    assert variant_document(variant("a"))["notes"] == ["own note", "the judge's note"]


def test_the_run_and_its_comparison() -> None:
    """Given a run, Then its document has the documented fields; the comparison adds slices and changed items."""
    variants = [variant("b", 2), variant("o", 0, is_baseline=True), variant("a", 1)]
    run = a_run(recommended_variant_id="b")
    document = run_document(run, variants, ENDED)
    assert list(document) == [
        "run_id",
        "project_id",
        "baseline",
        "variants",
        "recommended",
        "limit",
        "seconds",
        "reason",
        "outcome",
        "findings",
    ]
    assert document["baseline"]["id"] == "o"
    assert [row["id"] for row in document["variants"]] == ["a", "b"]
    assert (document["recommended"], document["limit"], document["seconds"]) == ("b", 1.5, 12.5)
    assert document["outcome"] == {
        "chosen_from": 0, "ending": "nothing_tried", "open": [], "untried": 1, "can_go_on": True, "more_s": 12.0, "time_limit_s": 60.0,
        "went_on_s": [],
    }  # fmt: skip
    elsewhere = dataclasses.replace(run, goal=dataclasses.replace(run.goal, computer="pi"))
    assert run_document(elsewhere, variants, ENDED)["computer"] == "pi"
    compared = compare_document(run, variants, ENDED, ("cat.png", "dog.png"))
    assert {name: compared[name] for name in document} == document
    assert [(row["variant"], row["name"], row["drop"]) for row in compared["slices"]] == [
        ("a", "cats", 0.2),
        ("b", "cats", 0.2),
    ]
    assert compared["changed"][0] == {"variant": "a", "count": 2, "items": [3, 1]}
    assert compared["judged"] == [{"variant": name, "n": 10} for name in ("b", "o", "a")]
    assert compared["items"] == ["cat.png", "dog.png"]


def test_scores_are_in_the_comparison() -> None:
    """Given a judgement with scores, Then the comparison has them with their version, and VARIANT the documented fields
    of them."""
    judged = variant("a")
    score = TaskScore(id="top1", task="t", title="Right answers", meaning="", against="labels", n=5, optimized=0.9)
    report = replace(judged, judgement=judged.judgement.model_copy(update={"scores": (score,)}))
    document = compare_document(a_run(), [variant("o", 0, is_baseline=True), report], ENDED)
    assert [(row["variant"], row["id"], row["optimized"]) for row in document["scores"]] == [("a", "top1", 0.9)]
    assert [set(score) for score in document["variants"][0]["scores"]] == [
        {"id", "original", "optimized", "low", "high", "n"}
    ]


ONE = Spread(p50_ms=1.0, mean_ms=1.0)
FIGURES = CardFigures(
    card="RTX 9", n=50, latency=Spread(p50_ms=1.5, mean_ms=1.5), to_card=ONE, compute=ONE, to_host=ONE, enqueue=ONE,
    throughput_per_s=1000.0, streams=2, energy=CardEnergy(joules=30, seconds=3, requests=3000, source="power"),
    notes=(CardNote(code="launch_bound", value=1.0),),
)  # fmt: skip
ALL_TRIED = outcome_of([], "speed", SearchEnd(planned=2, untried=0, limit_s=60.0, more_s=0.0))


def result(card: CardFigures | None) -> MeasureResult:
    return MeasureResult(load_ms=1, first_ms=1, peak_memory_bytes=9, device_ran="cuda:0", card=card)


def test_gpu_figures_are_stored_and_in_every_document(space: Workspace) -> None:
    """Given sets of which the first has figures of a GPU, Then they are stored with the version and are in each
    document and in the printed lines; other versions have no such key, and missing energy is null."""
    versions = [variant("v1"), variant("v2", 2), variant("o", 0, is_baseline=True)]
    space.repositories.projects.add(Project("p", "P", "/m.onnx", "0" * 64, NOW, NOW))
    space.repositories.runs.add(a_run())
    for version in versions:
        space.repositories.variants.add(version)
    save_card_results(space.repositories, "v1", [result(FIGURES), result(None)])
    save_card_results(space.repositories, "v2", [result(None)])
    cards = space.repositories.records.by_owner(CARD, ["v1", "v2"])
    assert cards == {"v1": FIGURES}
    for document in (
        run_document(a_run(), versions, ALL_TRIED, cards=cards),
        compare_document(a_run(), versions, ALL_TRIED, cards=cards),
    ):
        first, second = document["variants"]
        assert first["card"]["compute"]["p50_ms"] == 1.0 and first["card"]["energy"]["per_request_mj"] == 10
        assert first["card"]["notes"] == [{"code": "launch_bound", "value": 1.0, "reasons": []}]
        assert "card" not in second and "card" not in document["baseline"]
    silent = variant_document(variant("v1"), card=FIGURES.model_copy(update={"energy": None}))
    assert silent["card"]["energy"] is None
    lines = list(version_lines(versions, None, cards=cards))
    assert "1.5 ms with copying, 1 ms computing alone" in lines[2] and "launch-bound" in lines[3]
    assert len(lines) == 5
