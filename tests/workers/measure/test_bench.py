"""The sweep over batch sizes in its three scenarios."""

from pathlib import Path

import pytest

from workers.contracts.errors import InputRefused, JobCancelled
from workers.contracts.jobs import BenchParams
from workers.jobs.bench import run
from workers.measure import throughput
from workers.runtime.recording import RecordingContext


@pytest.fixture(autouse=True)
def short_warmup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "MIN_WARMUP_S", 0.1)


def params(small, **more) -> BenchParams:
    return BenchParams(
        model_dir=str(small.folder), data_dir=str(small.data), runtime="onnxruntime-cpu", **{"seconds": 0.4, **more}
    )


@pytest.mark.whole
@pytest.mark.parametrize("scenario", ["single-stream", "offline", "server"])
def test_each_scenario_gives_points_and_a_knee(scenario: str, make_small, tmp_path: Path) -> None:
    """Given two batch sizes, then there is one point for each, smallest first, and the knee is one of them."""
    result = run(params(make_small("cnn"), batches=(4, 1, 4), scenario=scenario), RecordingContext(tmp_path))
    assert [point.batch for point in result.points] == [1, 4]
    assert result.knee_batch in (1, 4)
    for point in result.points:
        assert point.latency.n >= 1 and point.latency.p50_ms > 0 and point.throughput_per_s > 0


def test_cancel_and_bad_values(make_small, tmp_path: Path) -> None:
    small = make_small("cnn")
    with pytest.raises(JobCancelled):
        run(params(small), RecordingContext(tmp_path, cancel_after=3))
    with pytest.raises(InputRefused):
        run(params(small, batches=(0,)), RecordingContext(tmp_path))
    with pytest.raises(InputRefused):
        run(params(make_small("stateful"), batches=(1, 2)), RecordingContext(tmp_path))
