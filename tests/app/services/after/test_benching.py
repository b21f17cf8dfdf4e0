"""The last sentence about a benchmark."""

import pytest

from app.services.after.benching import conclusion
from workers.contracts.jobs import BenchPoint, BenchResult
from workers.contracts.specs import LatencySummary

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
    said = conclusion(result(*valid))
    assert (REASON in said, "Batch" in said) == (is_about_validity, is_about_batches)
