"""Latency figures, their intervals, and the job ``summarize``."""

from pathlib import Path

import numpy as np
import pytest
from recording import RecordingContext
from scipy.stats import binom

from workers.contracts.disturbed import BlockLoad
from workers.contracts.jobs import SpeedSummary, SummarizeParams
from workers.jobs.summarize import run
from workers.measure.latency import median_ranks, summarize

Loads = tuple[tuple[BlockLoad, ...], ...]


def test_summary_counts_every_request_and_needs_299_for_p99() -> None:
    """Given 299 requests with one slow one, then it is the maximum, and there is a p99; given 298, then there is none."""
    values = [float(value) for value in range(1, 299)] + [5000.0]
    summary = summarize(values)
    assert (summary.n, summary.max_ms, summary.p50_ms) == (299, 5000.0, 150.0)
    assert summary.p99_ms == pytest.approx(np.percentile(values, 99))
    assert summarize([1.0] * 298).p99_ms is None
    with pytest.raises(ValueError):
        summarize([])


@pytest.mark.parametrize("n", [6, 7, 20, 40, 119, 360, 5000])
def test_median_interval_covers_by_the_binomial(n: int) -> None:
    """Given n values, then the ranks hold the median with 95 %, the next narrower ones do not, and 5 values have none."""
    low, high = median_ranks(n)
    assert low is not None and high == n - 1 - low
    assert 2 * binom.cdf(low, n, 0.5) <= 0.05 < 2 * binom.cdf(low + 1, n, 0.5)
    assert median_ranks(5) == (None, None)


def test_speedup_under_load_is_the_smallest_of_all_measures(tmp_path: Path) -> None:
    """Given times that other programs disturbed for the original alone, then the speedup is that of processor time and of
    wall time without waiting, beside that of wall time; without load, it is the ratio of the means."""

    def summary(cpu_s: float, waited_s: float) -> SpeedSummary:
        loads: list[Loads] = []
        for cpu, waited in ((cpu_s, waited_s), (0.02, 0.0)):
            one = BlockLoad(requests=20, elapsed_s=cpu + waited, cpu_s=cpu, waited_s=waited)
            loads.append(((one,) * 3,))
        params = SummarizeParams(latencies_ms=(((9.0,) * 60,), ((1.0,) * 60,)), loads=tuple(loads))
        _, found = run(params, RecordingContext(tmp_path)).rows
        assert found is not None
        return found

    disturbed, quiet = summary(0.022, 0.16), summary(0.18, 0.0)
    assert disturbed.under_load is True
    assert disturbed.speedup == pytest.approx(1.1) == disturbed.agreed_low == disturbed.speedup_low
    assert disturbed.wall_speedup == pytest.approx(9.0)
    assert (quiet.under_load, quiet.speedup) == (False, pytest.approx(9.0))


def test_failed_variant_has_no_summary(tmp_path: Path) -> None:
    """Given three variants of which one has no times, then it has no summary, and the first has a speedup of 1."""
    times = (((2.0,) * 60,), ((1.0,) * 60,), ((),))
    first, second, third = run(SummarizeParams(latencies_ms=times), RecordingContext(tmp_path)).rows
    assert first is not None and first.speedup == 1.0
    assert second is not None and second.speedup == 2.0 and second.throughput_per_s == pytest.approx(1000)
    assert third is None
