"""Test two GPUs of the stand-in NVML, read inside the sandbox."""

import time
from pathlib import Path

import pytest
from jobs_bench import Bench
from stand_in_driver import no_driver, stand_in

from app.jobs.pool import WorkerPool
from workers.contracts.jobs import DescribeResult
from workers.contracts.process.messages import Cancelled, Finished, Limits, RunJob, Sample

SOURCE = Path(__file__).parents[3] / "tests" / "fixtures" / "fakenvml.c"


@pytest.fixture
def readings(nvml_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the state file that the stand-in NVML reports."""
    return stand_in(nvml_dir, tmp_path, monkeypatch)


@pytest.fixture
def real(tmp_path: Path) -> Bench:
    return Bench(tmp_path, WorkerPool(tmp_path / "jobs"))


def job(real: Bench, kind: str, params: dict[str, object]) -> RunJob:
    return real.job(kind, params=params, limits=Limits(gpu=True))


def test_describe_names_both_gpus(real: Bench, readings: Path) -> None:
    client = real.start(job(real, "describe", {}))
    messages = real.finish(client)
    assert isinstance(messages[-1], Finished), messages[-1]
    result = DescribeResult.model_validate(messages[-1].result)
    assert [row.id for row in result.devices] == ["cpu", "cuda:0", "cuda:1"]
    assert result.device.gpus == ("NVIDIA FAKE RTX 4090", "NVIDIA FAKE H100")
    assert [row.summary for row in result.devices[1:]] == [
        "24 GiB, compute capability 8.9",
        "80 GiB, compute capability 9.0",
    ]


def test_without_a_driver_the_processor_is_used(real: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given no driver, Then the processor is available and no GPU is."""
    no_driver(tmp_path, monkeypatch)
    client = real.start(job(real, "describe", {}))
    result = DescribeResult.model_validate(real.finish(client)[-1].result)
    assert not result.device.gpus
    assert [(row.id, row.available) for row in result.devices] == [("cpu", True), ("cuda:0", False)]


def test_telemetry_follows_the_file(real: Bench, readings: Path) -> None:
    """Given changing readings, Then the samples follow them."""
    client = real.start(job(real, "telemetry", {"interval_s": 0.05}))
    seen: list[float] = []

    for load in (11, 77):
        readings.write_text(f"0.util={load}\n")
        end = time.monotonic() + 20
        while load not in seen and time.monotonic() < end:
            for message in client.poll():
                if isinstance(message, Sample) and message.series.startswith("gpu0") and "load" in message.series:
                    seen += message.values
            time.sleep(0.02)
        assert load in seen
    client.cancel()
    assert real.finish(client)[-1] == Cancelled()
