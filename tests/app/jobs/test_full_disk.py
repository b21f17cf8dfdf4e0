"""Test jobs on a full disk, and jobs with a limit for each stage."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jobs_bench import Bench, opened

from app.jobs.outcome import Crashed, error_of, exit_code_of, explain
from workers.contracts.process.messages import Finished
from workers.runtime.walls import stage_limit


@pytest.fixture
def bench(small_disk: Path) -> Iterator[Bench]:
    """Jobs, logs and store lie on the small disk."""
    with opened(small_disk) as made:
        yield made


@pytest.mark.parametrize("how", ["raise", "library", "abort"])
def test_job_that_fills_its_disk_is_reported(bench: Bench, how: str) -> None:
    """Given a job that fills the disk and raises, fails or aborts, Then the error names the place and the free bytes
    with exit code 6, and its folder is removed."""
    client, _ = bench.run("fill", {"how": how})
    error = error_of(client.outcome)
    assert (error.code, exit_code_of(client.outcome)) == ("disk_full", 6), error
    assert str(bench.root / "jobs") in error.detail
    assert "are free" in error.detail
    assert not (bench.root / "jobs" / "fill-0").exists()
    client, _ = bench.run("echo")
    assert exit_code_of(client.outcome) == 0


def test_job_on_a_full_disk_is_reported(bench: Bench) -> None:
    """Given a disk without room for a job's folder or log, Then the error is the full disk."""
    with (bench.root / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(1 << 10))
    client, _ = bench.run("echo")
    error = error_of(client.outcome)
    assert (error.code, exit_code_of(client.outcome)) == ("disk_full", 6), error


@pytest.mark.parametrize("how", ["native", "native_with_lock", "expression", "python"])
def test_stage_that_hangs_ends_the_job(bench: Bench, how: str) -> None:
    """Given code that never returns, even if no Python thread runs, Then the job ends with an explanation."""
    client, messages = bench.run("stage", {"how": how, "seconds": 0.6})

    assert isinstance(messages[-1], Crashed)
    error, _ = explain(messages[-1])
    assert error.code == "stage_time_limit"
    assert "looking at it" in error.detail
    assert "fettle_test_handlers" in error.traceback or how == "python", "where it hung stands in the log"
    assert not (bench.root / "jobs" / "stage-0").exists()
    assert client.pid is None


@pytest.mark.whole
def test_time_after_the_stage_is_not_counted(bench: Bench) -> None:
    """Given a stage that ends in time, When the job then works longer than its limit, Then it finishes."""
    _, messages = bench.run("stage", {"how": "in_time", "seconds": 0.3, "afterwards": 1.5})

    assert isinstance(messages[-1], Finished)


@pytest.mark.whole
def test_crash_after_the_stage_is_a_crash(bench: Bench) -> None:
    """Given a stage that ends in time, When the job crashes later than its limit, Then it is reported as a crash."""
    values = {"how": "in_time", "seconds": 0.3, "afterwards": 1.5, "crash": True}
    _, messages = bench.run("stage", values)

    assert explain(messages[-1])[0].code == "native_crash"


def test_early_exit_is_no_stage_limit(bench: Bench) -> None:
    """Given a job that exits with 1 within its time, Then it is reported as ended early."""
    _, messages = bench.run("misbehave", {"how": "exit"})

    assert explain(messages[-1])[0].code == "ended_early"


@pytest.mark.parametrize(("load", "cores", "factor"), [(0.5, 2, 1.0), (4.0, 2, 2.0), (90.0, 2, 4.0)])
def test_busy_machine_gives_more_time(monkeypatch: pytest.MonkeyPatch, load: float, cores: int, factor: float) -> None:
    """Given more work than cores, Then limits grow by that factor, up to four."""
    monkeypatch.setattr(stage_limit.os, "getloadavg", lambda: (load, 0.0, 0.0))

    assert stage_limit.busy_factor(cores) == factor


def test_the_job_knows_its_walls(bench: Bench) -> None:
    """Given a sandboxed job, Then it can list its protections."""
    _, messages = bench.run("stage", {"how": "in_time", "seconds": 5})

    report = messages[-1].result["values"]
    assert len(report["held"]) == 5
    assert report["missing"] == []
