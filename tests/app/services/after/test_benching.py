"""Test the last sentence of a benchmark, and the speed that a model card states."""

import dataclasses

import pytest

from app.domain.standing import Standing, standing_of
from app.domain.variant import Measurement, Variant
from app.services.after.benching import conclusion
from app.services.after.card import speed_facts
from workers.contracts.bundles import SpeedFacts
from workers.contracts.jobs import BenchPoint, BenchResult
from workers.contracts.specs import Judgement, LatencySummary, Recipe

LATENCY = LatencySummary(n=100, p50_ms=1.0, p90_ms=2.0, p99_ms=3.0, max_ms=4.0)
REASON = "Min duration satisfied : NO"


def result(*valid: bool) -> BenchResult:
    points = [
        BenchPoint(
            batch=2**number,
            latency=LATENCY,
            throughput_per_s=50.0,
            peak_memory_bytes=None,
            valid=one,
            reasons=() if one else (REASON,),
        )
        for number, one in enumerate(valid)
    ]
    return BenchResult(points=tuple(points), knee_batch=1)


@pytest.mark.parametrize(
    ("valid", "is_about_validity", "is_about_batches"),
    [
        ((False,), True, False),
        ((True, False), True, False),
        ((True,), False, False),
        ((True, True), False, True),
    ],
)
def test_conclusion_is_about_what_was_measured(
    valid: tuple[bool, ...], is_about_validity: bool, is_about_batches: bool
) -> None:
    # Given measurements that LoadGen calls valid or not, Then the sentence gives its reason, or compares several batches
    sentence = conclusion(result(*valid))
    assert (REASON in sentence, "Batch" in sentence) == (is_about_validity, is_about_batches)


QUIET = Measurement(
    latency_mean_ms=2.0, n=300, speedup=2.0, speedup_low=1.9, speedup_high=2.1, sets=5, under_load=False
)
LOADED = dataclasses.replace(QUIET, under_load=True, cpu_speedup=1.9)


def version(measurement: Measurement, state: str = "confirmed") -> Variant:
    safe = Judgement(verdict="safe", n=400, labelled=False, margin=0.01)
    return Variant(
        "v", "r", 1, "V", Recipe(title="V"), "openvino", "int8", state, measurement=measurement, judgement=safe
    )


@pytest.mark.parametrize(
    ("made", "expected", "standing"),
    [
        (version(QUIET), SpeedFacts(), Standing.SAFE),
        (version(QUIET, "measured"), SpeedFacts(state="first_look"), Standing.UNCONFIRMED),
        (
            version(dataclasses.replace(LOADED, agreed_low=1.529)),
            SpeedFacts(state="at_least", at_least=1.52),
            Standing.SAFE,
        ),
        (version(dataclasses.replace(LOADED, agreed_low=1.41)), SpeedFacts(state="not_settled"), Standing.NOT_SETTLED),
    ],
)
def test_the_card_claims_no_more_than_the_pages(made: Variant, expected: SpeedFacts, standing: Standing) -> None:
    """Given versions whose speed is settled, a first measurement, a bound under load or undecided, Then the card states
    that, as the pages do."""
    assert speed_facts(made, "speed") == expected
    assert standing_of(made) is standing
