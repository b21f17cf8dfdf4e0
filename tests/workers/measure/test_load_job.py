"""The jobs ``load`` and ``cold`` on small real models: every part, models with a state, cancellation."""

from pathlib import Path
from typing import Any

import pytest
from onnxruntime.quantization import QuantType, quantize_dynamic
from recording import RecordingContext

from workers.contracts.after.load import ColdParams, LoadParams, LoadResult
from workers.contracts.errors import JobCancelled, WorkerError
from workers.contracts.specs import RunParams
from workers.jobs import cold, load
from workers.measure.load.under_load import SHARES, SHARES_A_RANGE
from workers.measure.prompts import NEW_TOKENS


def measured(small: Any, part: Any, tmp_path: Path, **more: Any) -> LoadResult:
    ctx = RecordingContext(tmp_path, threads=2, cancel_after=more.pop("cancel_after", None))
    more = {"runtime": "onnxruntime-cpu", "seconds": 0.4, "batches": (1, 2, 8), **more}
    return load.run(LoadParams(model_dir=str(small.folder), data_dir=str(small.data), part=part, **more), ctx)


@pytest.mark.whole
def test_capacity_has_a_rate_and_compares_predictions(
    make_small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a limit that a small model keeps, then there is a rate, and predictions under load are the same; without a
    limit, the job fails."""
    monkeypatch.setattr("workers.measure.load.capacity.MOST_TRIES", 2)
    result = measured(make_small("cnn"), "capacity", tmp_path, limit_ms=500.0).capacity
    assert result is not None and result.limit_ms == 500 and result.per_s is not None and result.tries[0].n > 0
    assert result.compared and result.changed == 0
    with pytest.raises(ValueError, match="limit"):
        measured(make_small("cnn"), "capacity", tmp_path)


@pytest.mark.whole
def test_sweep_has_a_knee_and_a_reason_for_no_energy(make_small: Any, tmp_path: Path) -> None:
    """Given three batch sizes and no energy counter, then the knee is within 5 % of the best, and a note has the reason;
    a version that rounds over a whole batch is measured with single items only."""
    small = make_small("cnn")
    sweep = measured(small, "sweep", tmp_path).sweep
    assert sweep is not None and [point.batch for point in sweep.points] == [1, 2, 8] and sweep.stopped == ""
    knee = next(point for point in sweep.points if point.batch == sweep.knee_batch)
    assert knee.throughput_per_s >= 0.95 * sweep.best.throughput_per_s
    point = sweep.points[0]
    assert point.throughput_low is not None and point.throughput_low < point.throughput_per_s * 1.05
    assert sweep.energy is not None and sweep.energy.joules is None and sweep.energy.note
    path = str(small.folder / "model.onnx")
    quantize_dynamic(path, path, weight_type=QuantType.QUInt8)
    sweep = measured(small, "sweep", tmp_path).sweep
    assert sweep is not None and [point.batch for point in sweep.points] == [1] and sweep.stopped == SHARES_A_RANGE


def test_serving_measures_five_request_rates(make_small: Any, tmp_path: Path) -> None:
    """Given a model, then latencies are measured at shares of its throughput, and the load by others is a share."""
    result = measured(make_small("cnn"), "serving", tmp_path, seconds=0.5)
    assert result.serving is not None and all(point.latency.n > 0 for point in result.serving.alone)
    rates = [point.rate_per_s for point in result.serving.alone]
    assert [rate / rates[-1] for rate in rates] == pytest.approx([share / SHARES[-1] for share in SHARES])
    assert result.busy_share is None or 0 <= result.busy_share <= 1


@pytest.mark.whole
def test_model_with_state_is_measured_with_batch_1(make_small: Any, tmp_path: Path) -> None:
    """Given a model with a state, then batches end at 1 with the reason, and request rates are measured."""
    small = make_small("stateful")
    sweep = measured(small, "sweep", tmp_path).sweep
    assert sweep is not None and [point.batch for point in sweep.points] == [1]
    assert "one step at a time" in sweep.stopped
    assert measured(small, "serving", tmp_path).serving is not None


@pytest.mark.whole
def test_language_model_is_measured_by_prompts_and_tokens(
    make_small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a language model and an energy counter, then rates, prompts, and the tokens for the joules are measured."""
    small = make_small("chat")
    counter = tmp_path / "energy_uj"
    counter.write_text("5000000")
    counter.with_name("max_energy_range_uj").write_text("9000000")
    monkeypatch.setattr("workers.measure.energy.MIN_SECONDS", 0.1)
    more = {"runtime": "openvino", "energy_files": (str(counter),)}
    serving = measured(small, "serving", tmp_path, **more).serving
    assert serving is not None and serving.alone
    (point,) = measured(small, "prompts", tmp_path, **more).prompts
    assert point.prompt_tokens == 128 and point.n >= 3 and point.first_ms > 0
    assert point.tokens_per_s is not None and point.tokens_per_s > 0
    sweep = measured(small, "sweep", tmp_path, **more).sweep
    assert sweep is not None and sweep.knee_batch == 1 and "chats at once" in sweep.stopped
    energy = sweep.energy
    assert energy is not None and energy.joules == 0 and energy.answers > 0
    assert energy.tokens == energy.answers * NEW_TOKENS


@pytest.mark.parametrize("part", ["sweep", "serving", "capacity"])
def test_cancellation_ends_each_part(part: Any, make_small: Any, tmp_path: Path) -> None:
    """Given a job that is cancelled in the middle, then each part ends."""
    limit_ms = 500.0 if part == "capacity" else None
    with pytest.raises(JobCancelled):
        measured(make_small("cnn"), part, tmp_path, seconds=0.5, limit_ms=limit_ms, cancel_after=30)


@pytest.mark.whole
def test_cold_starts_are_measured_in_fresh_processes(make_small: Any, tmp_path: Path) -> None:
    """Given two models, then both have as many starts as requested, each longer than its loading; a model that is not
    there is an error."""
    one = make_small("cnn")
    model = RunParams(model_dir=str(one.folder), runtime="onnxruntime-cpu")
    ctx = RecordingContext(tmp_path)
    result = cold.run(ColdParams(models=(model, model), data_dir=str(one.data), repeats=2), ctx)
    assert [len(times.total_ms) for times in result.rows] == [2, 2]
    assert all(t > m > 0 for times in result.rows for t, m in zip(times.total_ms, times.load_ms, strict=True))
    gone = model.model_copy(update={"model_dir": str(one.folder / "gone")})
    with pytest.raises(WorkerError, check=lambda error: error.code == "cold_start_failed"):
        cold.run(ColdParams(models=(gone,), data_dir=str(one.data)), ctx)
