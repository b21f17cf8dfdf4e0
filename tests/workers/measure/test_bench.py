"""The job ``bench``: a sweep over batch sizes in each of LoadGen's three scenarios."""

from pathlib import Path
from typing import Any

import pytest
from recording import RecordingContext

from workers.contracts.errors import InputRefused, JobCancelled
from workers.contracts.jobs import BenchParams, BenchResult
from workers.jobs.bench import run


def bench(small: Any, ctx: RecordingContext, **more: Any) -> BenchResult:
    params = {"runtime": "onnxruntime-cpu", "seconds": 0.4, **more}
    return run(BenchParams(model_dir=str(small.folder), data_dir=str(small.data), **params), ctx)


@pytest.mark.whole
def test_bench_measures_each_batch_size_once(make_small: Any, tmp_path: Path) -> None:
    """Given two batch sizes, then there is one point for each, smallest first, and the knee is one of them."""
    result = bench(make_small("cnn"), RecordingContext(tmp_path), batches=(4, 1, 4), scenario="offline")
    assert [point.batch for point in result.points] == [1, 4] and result.knee_batch in (1, 4)
    for point in result.points:
        assert point.latency.n >= 1 and point.latency.p50_ms > 0 and point.throughput_per_s > 0


def test_bench_can_be_cancelled_and_refuses_bad_batch_sizes(make_small: Any, tmp_path: Path) -> None:
    """Given a cancelled job, a batch size of 0, or batches for a model with a state, then the job ends with its error."""
    small = make_small("cnn")
    with pytest.raises(JobCancelled):
        bench(small, RecordingContext(tmp_path, cancel_after=3))
    for model, batches in ((small, (0,)), (make_small("stateful"), (1, 2))):
        with pytest.raises(InputRefused):
            bench(model, RecordingContext(tmp_path), batches=batches)
