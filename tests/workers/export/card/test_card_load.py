"""The card's section on load: figures with their counts, foreign names harmless."""

import pytest
from card_facts import SPEC, facts

from workers.contracts.after.load import (
    CapacityResult,
    CardLoad,
    ColdTimes,
    Energy,
    Paired,
    SweepPoint,
    SweepResult,
    VersionLoad,
)  # fmt: skip
from workers.contracts.specs import LatencySummary
from workers.export.card.text import card
from workers.export.python_folder import COMMANDS


def point(batch: int, per_s: float) -> SweepPoint:
    latency = LatencySummary(n=900, p50_ms=0.7, p90_ms=0.812, p99_ms=1.2, max_ms=4.0)
    return SweepPoint(
        batch=batch, n=900, throughput_per_s=per_s, throughput_low=None, throughput_high=None, latency=latency
    )


def version(sweep: SweepResult | None = None, **more: object) -> VersionLoad:
    return VersionLoad(**{"variant_id": "v", "title": "T", "runtime": "onnxruntime-cpu", "sweep": sweep, **more})


ENERGY = Energy(joules=150.0, seconds=10.0, answers=15_000, source="NVML, X")
LOAD = CardLoad(
    made_at="2026-03-04T05:06:07+00:00", seconds=10.0, processor="A <b>Processor</b>", cores=2,
    original=version(
        SweepResult(points=(point(1, 640.0), point(2, 600.0)), knee_batch=1),
        cold=ColdTimes(total_ms=(500.0, 420.0, 430.0), load_ms=(50.0, 51.0, 52.0)),
    ),
    this=version(
        SweepResult(points=(point(1, 900.0), point(8, 1353.2)), knee_batch=8, energy=ENERGY),
        capacity=CapacityResult(limit_ms=20.0, per_s=400.0, too_many_per_s=None, tries=()),
    ),
    paired=Paired(
        original_batch=1, variant_batch=8, original_per_s=640.0, variant_per_s=1353.2, ratio=2.114, ratio_low=2.0,
        ratio_high=2.2, n=300, sets=5,
    ),
    this_cost=0.0168,
    currency="USD",
    price_words="0.0816 USD an hour (my own), at work 50 % of the time.",
)  # fmt: skip


def section(load: CardLoad | None) -> str:
    return card(facts(load=load), SPEC, COMMANDS).partition("## Under load")[2].partition("\n## ")[0]


def test_load_section_shows_all_measurements() -> None:
    report = section(LOAD)
    for words in (
        "2.11 times the original's answers a second (2.00 to 2.20 with 95 % confidence), measured in turn, n 300 of each.",
        "| Answers a second | 640.0 (n 900) | 1,353.2 (n 900, batches of 8) |",
        "| 90 % of single requests within | 0.812 ms | 0.812 ms |",
        "| Most requests a second | – | 400.0 with 99 % within 20 ms |",
        "| Cold start, half within | 430 ms, 500 ms at most (n 3) | – |",
        "| Energy of an answer | – | 10 mJ (NVML, X) |",
        "| A million answers cost | – | 0.0168 USD |",
        "2026-03-04. Most requests: measured with MLCommons LoadGen; not an MLPerf result.",
        "0.0816 USD an hour (my own)",
    ):
        assert words in report, words
    assert "<b>" not in report


def test_limit_that_no_rate_kept_is_shown() -> None:
    none = CapacityResult(limit_ms=20.0, per_s=None, too_many_per_s=9.0, tries=())
    report = section(LOAD.model_copy(update={"original": version(capacity=none)}))
    assert "| Most requests a second | none with 99 % within 20 ms | 400.0 with 99 % within 20 ms |" in report


def test_energy_of_a_language_model_is_that_of_its_tokens() -> None:
    """Given answers of 16 tokens, Then the energy of 1,000 tokens is reported and not that of an answer."""
    energy = Energy(joules=150.0, seconds=10.0, answers=500, tokens=8_000, source="RAPL")
    sweep = SweepResult(points=(point(1, 50.0),), knee_batch=1, energy=energy)
    report = section(LOAD.model_copy(update={"this": version(sweep)}))
    assert "| Energy of 1,000 tokens, prompts read as well | – | 18.8 J (RAPL) |" in report
    assert "LoadGen" not in report, "it measures the most requests alone"


@pytest.mark.parametrize(
    "load",
    [None, CardLoad(made_at="2026-03-04", seconds=1, processor="p", cores=1, original=version(), this=version())],
)
def test_load_section_omits_missing_measurements(load: CardLoad | None) -> None:
    text = card(facts(load=load), SPEC, COMMANDS)
    assert ("## Under load" in text) == (load is not None)
    assert "times the original's answers a second" not in text and "cost" not in text.lower()
    assert section(load).count("|") == (8 if load is not None else 0), "no row but the table's head"
