"""Tests of the page Under load for a language model: prompts of several lengths, and energy per token."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.controllers.load.presenter import facts_of
from app.services.after.loading import stages
from app.services.flow.workspace import Workspace
from app.services.records.after_run import LoadRecord
from app.services.records.facts import RunFacts, read_facts
from app.services.records.measured import SpeechRecord
from workers.contracts.after.load import Energy, PromptPoint, SweepPoint, SweepResult, VersionLoad
from workers.contracts.jobs import Speech
from workers.contracts.specs import LatencySummary


@pytest.fixture
def facts(finished_data: Path, space: Workspace) -> RunFacts:
    """Return the facts of the finished run as if its models were language models."""
    facts = read_facts(space, "r1")
    row = SpeechRecord(rows=(Speech(prompt_tokens=32, first_ms=40.0, tokens_per_s=20.0, n=9),))
    return replace(facts, speech={facts.baseline.id: row})


def test_language_model_has_a_stage_with_prompts(facts: RunFacts) -> None:
    """Given a language model, then each version has a stage with prompts of several lengths; another model has none."""
    parts = [stage.part for stage in stages(facts, facts.recommended, 10.0, 20.0)]
    assert parts.count("prompts") == 2 and parts.index("prompts") < parts.index("capacity")
    silent = replace(facts, speech={})
    assert "prompts" not in [stage.part for stage in stages(silent, facts.recommended, 10.0)]


def test_facts_list_prompts_and_energy_of_tokens() -> None:
    """Given two prompt lengths and an energy counter, then each length is a line, and energy is shown for 1,000 tokens."""
    latency = LatencySummary(n=50, p50_ms=190.0, p90_ms=210.0, p99_ms=None, max_ms=220.0)
    energy = Energy(joules=300.0, seconds=10.0, answers=50, tokens=800, source="RAPL")
    single = SweepPoint(batch=1, n=50, throughput_per_s=5.0, throughput_low=None, throughput_high=None, latency=latency)
    sweep = SweepResult(points=(single,), knee_batch=1, energy=energy)
    points = (
        PromptPoint(prompt_tokens=128, first_ms=63.0, tokens_per_s=97.3, n=40, memory_bytes=310_000_000),
        PromptPoint(prompt_tokens=4096, first_ms=2400.0, tokens_per_s=81.0, n=3, memory_bytes=None),
    )
    load = VersionLoad(
        variant_id="v", title="Original", runtime="openvino", sweep=sweep, prompts=points,
    )  # fmt: skip
    record = LoadRecord(
        run_id="r1", seconds=10.0, made_at=datetime(2026, 3, 4, tzinfo=UTC), processor="P", cores=2, original=load
    )
    cards = {title: dict(pairs)["Original"] for title, _, pairs in facts_of(record)}
    short, long = cards["Short and long prompts"].splitlines()
    assert short == "128 tokens: the first after 63.0 ms, then 97 a second, 310 MB of memory, n 40"
    assert long.startswith("4,096 tokens: the first after 2,400 ms, then 81 a second, ") and long.endswith("n 3")
    assert cards["Energy"].startswith(
        "375 J for 1,000 tokens: 300 J in 10 s for 800 tokens, prompts read as well (RAPL)"
    )
