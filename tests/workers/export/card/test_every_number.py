"""Every number in a card is one of the facts, rounded; and the check finds one that is not."""

import re
from typing import Any

import pytest
from card_facts import SPEC, VARIANT, facts
from huggingface_hub import ModelCard
from shown_numbers import made_up, shown_numbers
from test_card_load import LOAD
from test_card_stress import result

from workers.contracts.bundles import CardFacts
from workers.contracts.pipeline import pipeline_document
from workers.contracts.specs import TaskScore
from workers.export.card.text import card
from workers.export.python_folder import COMMANDS

WORDS = frozenset({"95", "90", "1.0", "1.6", "42001", "224"})
"""95 % sure, 90 % within, the frameworks' own numbers."""

SCORES = (
    TaskScore(id="top1", task="class", title="Right", meaning="", against="labels", n=1234, original=0.9131, optimized=0.9017,
              low=-0.0213, high=0.0039),
    TaskScore(id="psnr", task="picture", title="Noise", meaning="", against="original", n=777, optimized=31.37, unit="dB",
              low=29.1, high=33.3),
)  # fmt: skip


def full() -> CardFacts:
    measured = {"speedup_low": 3.61, "speedup_high": 4.43, "accuracy_low": 0.8937, "accuracy_high": 0.9243,
                "latency_mean_ms": 2.713, "latency_p90_ms": 1234.7, "latency_p99_ms": 3.0191}  # fmt: skip
    return facts(
        variant={**VARIANT, **measured}, scores=SCORES, load=LOAD, stress=result(), chosen_from=7,
        worst_slice="dark pictures", worst_slice_drop=0.0571,
    )  # fmt: skip


def document(given: CardFacts) -> Any:
    return [given.model_dump(mode="json"), pipeline_document(SPEC), _energy(given)]


def _energy(given: CardFacts) -> list[float]:
    sweep = given.load.this.sweep if given.load is not None else None
    used = sweep.energy if sweep is not None else None
    return [used.joules / used.answers] if used is not None and used.joules is not None else []


def test_every_number_is_one_of_the_facts() -> None:
    """Given a version with everything measured, then its card shows many numbers, and none that nobody measured."""
    given = full()
    text = card(given, SPEC, COMMANDS)
    body = text.split("---\n", 2)[2]
    assert len(shown_numbers(body)) > 60
    assert made_up(body, document(given), WORDS) == []


@pytest.mark.parametrize("old", ["91.10 %", "2.40 MB", "4.43 times", "31.4 dB", "1,235 ms", "1,353.2", "5.71 %"])
def test_a_number_of_nobodys_is_seen(old: str) -> None:
    """Given a card with one figure changed in its last digit, then exactly that one is named."""
    given = full()
    body = card(given, SPEC, COMMANDS).split("---\n", 2)[2]
    place = re.search(rf"(?<![\d,.]){re.escape(old)}", body)
    if place is None:
        pytest.fail(f"the card does not show {old}")
    number = old.split()[0]
    other = f"{number[:-1]}{(int(number[-1]) + 5) % 10}"
    changed = body[: place.start()] + other + body[place.start() + len(number) :]
    assert made_up(changed, document(given), WORDS) == [other]


def test_the_hubs_own_reader_takes_the_header() -> None:
    """Given the card, then huggingface_hub reads from its header what was measured, unrounded."""
    read = ModelCard(card(full(), SPEC, COMMANDS)).data
    assert (read.license, read.base_model_relation, read.pipeline_tag) == ("mit", "quantized", "image-classification")
    report = {one.metric_type: one.metric_value for one in read.eval_results}
    assert (report["accuracy"], report["top1"], report["psnr"]) == (0.911, 0.9017, 31.37)
    assert {one.dataset_name for one in read.eval_results} == {"own test examples"}
