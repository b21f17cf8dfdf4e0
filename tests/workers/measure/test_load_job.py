"""The jobs ``load`` and ``cold`` on small real models: every part, models with state, cancel in the middle."""

from pathlib import Path
from typing import Any

import pytest
from onnxruntime.quantization import QuantType, quantize_dynamic

from workers.contracts.after.load import ColdParams, LoadParams, LoadResult
from workers.contracts.errors import JobCancelled, WorkerError
from workers.contracts.specs import RunParams
from workers.jobs import cold, load
from workers.measure import throughput
from workers.measure.load.under_load import SHARES_A_RANGE
from workers.measure.prompts import NEW_TOKENS
from workers.runtime.recording import RecordingContext


@pytest.fixture(autouse=True)
def short_warmup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "MIN_WARMUP_S", 0.1)


def measured(small: Any, part: Any, tmp_path: Path, **more: Any) -> LoadResult:
    ctx = RecordingContext(tmp_path, threads=2, cancel_after=more.pop("cancel_after", None))
    more = {"runtime": "onnxruntime-cpu", "seconds": 0.4, "batches": (1, 2, 8), **more}
    return load.run(LoadParams(model_dir=str(small.folder), data_dir=str(small.data), part=part, **more), ctx)


@pytest.mark.whole
def test_the_most_requests_within_a_limit(make_small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a limit that a small model keeps, Then the part finds a rate, and says whether answers under load are alike;
    without a limit there is nothing to find."""
    monkeypatch.setattr("workers.measure.load.capacity.MOST_TRIES", 2)
    found = measured(make_small("cnn"), "capacity", tmp_path, limit_ms=500.0).capacity
    assert found is not None and found.limit_ms == 500 and found.per_s is not None and found.tries[0].n > 0
    assert found.compared and found.changed == 0
    with pytest.raises(ValueError, match="limit"):
        measured(make_small("cnn"), "capacity", tmp_path)


@pytest.mark.whole
def test_batch_sizes_have_a_knee_and_a_word_on_energy(make_small: Any, tmp_path: Path) -> None:
    sweep = measured(make_small("cnn"), "sweep", tmp_path).sweep
    assert sweep is not None and [point.batch for point in sweep.points] == [1, 2, 8] and sweep.stopped == ""
    knee = next(point for point in sweep.points if point.batch == sweep.knee_batch)
    assert knee.throughput_per_s >= 0.95 * sweep.best.throughput_per_s
    point = sweep.points[0]
    assert point.throughput_low is not None and point.throughput_low < point.throughput_per_s * 1.05
    assert sweep.energy is not None and sweep.energy.joules is None and sweep.energy.note


def test_latency_at_five_request_rates(make_small: Any, tmp_path: Path) -> None:
    serving = measured(make_small("cnn"), "serving", tmp_path, seconds=0.5).serving
    assert serving is not None and all(point.latency.n > 0 for point in serving.alone)
    rates = [point.rate_per_s for point in serving.alone]
    assert [rate / rates[-1] for rate in rates] == pytest.approx([share / 0.9 for share in (0.3, 0.5, 0.7, 0.8, 0.9)])


@pytest.mark.whole
def test_what_rounds_over_a_batch_takes_one_item_at_a_time(make_small: Any, tmp_path: Path) -> None:
    """Given a version of onnxruntime's dynamic quantizer, which was proven item by item, Then no batch is measured that
    nobody may use, and why is told."""
    small = make_small("cnn")
    path = small.folder / "model.onnx"
    quantize_dynamic(str(path), str(path), weight_type=QuantType.QUInt8)
    sweep = measured(small, "sweep", tmp_path).sweep
    assert sweep is not None and [point.batch for point in sweep.points] == [1] and sweep.knee_batch == 1
    assert sweep.stopped == SHARES_A_RANGE


@pytest.mark.whole
def test_a_model_with_state_takes_one_step_at_a_time(make_small: Any, tmp_path: Path) -> None:
    """Given state that is carried on, Then batches end at 1 with the reason, and request rates are measured."""
    small = make_small("stateful")
    sweep = measured(small, "sweep", tmp_path).sweep
    assert sweep is not None and [point.batch for point in sweep.points] == [1]
    assert "one step at a time" in sweep.stopped
    assert measured(small, "serving", tmp_path).serving is not None


@pytest.mark.whole
def test_a_language_model_answers_one_at_a_time(
    make_small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a chat and a counter of energy, Then rates, prompts, and tokens beside the joules are measured."""
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
def test_cancel_ends_each_part(part: Any, make_small: Any, tmp_path: Path) -> None:
    limit_ms = 500.0 if part == "capacity" else None
    with pytest.raises(JobCancelled):
        measured(make_small("cnn"), part, tmp_path, seconds=0.5, limit_ms=limit_ms, cancel_after=30)


@pytest.mark.whole
def test_cold_starts_in_fresh_processes(make_small: Any, tmp_path: Path) -> None:
    """Given two models, Then both have as many starts as asked, each longer than the loading in it."""
    one, other = make_small("cnn"), make_small("transformer")
    models = tuple(RunParams(model_dir=str(small.folder), runtime="onnxruntime-cpu") for small in (one, one))
    found = cold.run(ColdParams(models=models, data_dir=str(one.data), repeats=2), RecordingContext(tmp_path))
    assert [len(times.total_ms) for times in found.rows] == [2, 2]
    assert all(t > m > 0 for times in found.rows for t, m in zip(times.total_ms, times.load_ms, strict=True))
    broken = RunParams(model_dir=str(other.folder / "gone"), runtime="onnxruntime-cpu")
    with pytest.raises(WorkerError, check=lambda error: error.code == "cold_start_failed"):
        cold.run(ColdParams(models=(broken,), data_dir=str(one.data)), RecordingContext(tmp_path))
