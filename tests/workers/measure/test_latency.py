"""Mean, percentiles and intervals against what is known to be right."""

import numpy as np
import pytest
from scipy.stats import binom

from workers.contracts.jobs import SummarizeParams
from workers.contracts.specs import BlockLoad
from workers.jobs.summarize import run
from workers.measure.latency import median_ranks, summarize
from workers.runtime.recording import RecordingContext


def test_summary_keeps_every_request() -> None:
    """Given 299 requests with one slow one, then the slow one is the maximum and p99 is told."""
    values = [float(value) for value in range(1, 299)] + [5000.0]
    summary = summarize(values)
    assert (summary.n, summary.max_ms, summary.p50_ms) == (299, 5000.0, 150.0)
    assert summary.p99_ms == pytest.approx(np.percentile(values, 99))


def test_p99_is_hidden_for_few_requests() -> None:
    """Given 298 requests, then no p99 is told (EVALUATION: it cannot be bounded)."""
    assert summarize([1.0] * 298).p99_ms is None
    with pytest.raises(ValueError):
        summarize([])


@pytest.mark.parametrize("n", [6, 7, 20, 40, 119, 360, 5000])
def test_median_interval_covers_by_the_binomial(n: int) -> None:
    """Given n values, then the ranks hold the median with 95 %, and the next narrower ones would not."""
    low, high = median_ranks(n)
    assert low is not None and high == n - 1 - low
    outside = 2 * binom.cdf(low, n, 0.5)
    assert outside <= 0.05 < 2 * binom.cdf(low + 1, n, 0.5)


def test_median_interval_needs_six_values() -> None:
    assert median_ranks(5) == (None, None)


def test_under_load_the_speedup_is_the_least_of_all_ways(tmp_path) -> None:
    """Given times that other programs spoiled for the original alone, then the speedup is what processor time and wall time
    without waiting make it, not the ratio of the means; when quiet, the means count."""
    times = ((tuple([9.0] * 60),), (tuple([1.0] * 60),))

    def loads(cpu_s: float, waited_s: float) -> tuple[tuple[BlockLoad, ...], ...]:
        block = BlockLoad(requests=20, elapsed_s=cpu_s + waited_s, cpu_s=cpu_s, waited_s=waited_s)
        return ((block,) * 3,)

    spoiled = SummarizeParams(latencies_ms=times, loads=(loads(0.022, 0.16), loads(0.02, 0.0)))
    _, found = run(spoiled, RecordingContext(tmp_path)).rows
    assert found is not None and found.under_load is True
    assert found.speedup == pytest.approx(1.1) == found.agreed_low == found.speedup_low
    quiet = SummarizeParams(latencies_ms=times, loads=(loads(0.18, 0.0), loads(0.02, 0.0)))
    _, found = run(quiet, RecordingContext(tmp_path)).rows
    assert found is not None and (found.under_load, found.speedup) == (False, pytest.approx(9.0))


def test_summaries_of_contenders(tmp_path) -> None:
    """Given three variants of which one failed, then it has no summary and the first is 1 to itself."""
    times = ((tuple([2.0] * 60),), (tuple([1.0] * 60),), ((),))
    result = run(SummarizeParams(latencies_ms=times), RecordingContext(tmp_path))
    first, second, third = result.rows
    assert first is not None and first.speedup == 1.0
    assert second is not None and second.speedup == 2.0 and second.throughput_per_s == pytest.approx(1000)
    assert third is None
