"""The card's section on load: figures with their counts, what is invalid told as such, foreign names harmless."""

import pytest
from card_facts import SPEC, facts

from workers.contracts.after.load import CardLoad, ColdTimes, Energy, Scenario, ScenarioResult
from workers.contracts.specs import LatencySummary
from workers.export.card.text import card
from workers.export.python_folder import COMMANDS


def result(scenario: Scenario, per_s: float, valid: bool = True, **more: object) -> ScenarioResult:
    latency = LatencySummary(n=900, p50_ms=0.7, p90_ms=0.812, p99_ms=1.2, max_ms=4.0)
    values = {"scenario": scenario, "batch": 1, "valid": valid, "n": 900, "seconds": 10.0, "latency": latency}
    return ScenarioResult(**{**values, "throughput_per_s": per_s, "version": "6.0.17", **more})


LOAD = CardLoad(
    made_at="2026-03-04T05:06:07+00:00",
    seconds=10.0,
    processor="A <b>Processor</b>",
    cores=2,
    original=(result("single-stream", 640.0), result("server", 448.0, valid=False)),
    this=(
        result("single-stream", 1353.2),
        result("offline", 1500.0, batch=8, energy=Energy(joules=150.0, seconds=10.0, answers=15_000, source="NVML, X")),
    ),
    original_cold=ColdTimes(total_ms=(500.0, 420.0, 430.0), load_ms=(50.0, 51.0, 52.0)),
    ratio=2.114,
    ratio_low=2.0,
    ratio_high=2.2,
    n=300,
    this_cost=0.0168,
    currency="USD",
    price_words="0.0816 USD an hour (my own), at work 50 % of the time.",
)


def test_all_that_was_measured_stands_in_the_card() -> None:
    text = card(facts(load=LOAD), SPEC, 20, COMMANDS)
    section = text.split("## Under load")[1].split("\n## ")[0]
    for words in (
        "2.11 times the original's answers a second (2.00 to 2.20 with 95 % confidence), measured in turn, n 300 of each.",
        "| Single stream, answers a second | 640.0 (n 900) | 1,353.2 (n 900) |",
        "| Single stream, 90 % within | 0.812 ms | 0.812 ms |",
        "| Server, answers a second | not valid | – |",
        "| Offline, answers a second | – | 1,500.0 (n 900, batches of 8) |",
        "| Cold start, half within | 430 ms, 500 ms at most (n 3) | – |",
        "| Energy of an answer | – | 10 mJ (NVML, X) |",
        "| A million answers cost | – | 0.0168 USD |",
        "2026-03-04; measured with MLCommons LoadGen; not an MLPerf result.",
        "0.0816 USD an hour (my own)",
    ):
        assert words in section, words
    assert "<b>" not in section


def test_energy_of_a_language_model_is_that_of_its_tokens() -> None:
    """Given answers of 16 tokens, Then the energy of 1,000 tokens is told and not that of an answer."""
    energy = Energy(joules=150.0, seconds=10.0, answers=500, tokens=8_000, source="RAPL")
    load = LOAD.model_copy(update={"this": (result("offline", 50.0, energy=energy),)})
    text = card(facts(load=load), SPEC, 20, COMMANDS)
    assert "| Energy of 1,000 tokens, prompts read as well | – | 18.8 J (RAPL) |" in text


@pytest.mark.parametrize("load", [None, CardLoad(made_at="2026-03-04", seconds=1, processor="p", cores=1)])
def test_nothing_is_said_that_was_not_measured(load: CardLoad | None) -> None:
    text = card(facts(load=load), SPEC, 20, COMMANDS)
    assert ("## Under load" in text) == (load is not None)
    assert "times the original's answers a second" not in text and "cost" not in text.lower()
