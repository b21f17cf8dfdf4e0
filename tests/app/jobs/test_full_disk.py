"""Real workers whose disk is full, logs and all: the end is told as that, and what they wrote is gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jobs_bench import Bench, opened

from app.jobs.outcome import error_of, exit_code_of


@pytest.fixture
def bench(small_disk: Path) -> Iterator[Bench]:
    """Jobs, logs and store lie on the small disk."""
    with opened(small_disk) as made:
        yield made


@pytest.mark.parametrize("how", ["raise", "library", "abort"])
def test_a_job_that_fills_its_disk(bench: Bench, how: str) -> None:
    """Given a job that fills the disk and then raises, or a library of which fails or gives up, then its end names the
    place and what is free, exit code 6; its folder is gone, so that there is room again for the next."""
    client, _ = bench.run("fill", {"how": how})
    assert client.outcome is not None
    error = error_of(client.outcome)
    assert error is not None
    assert (error.code, exit_code_of(client.outcome)) == ("disk_full", 6), error
    assert str(bench.root / "jobs") in error.detail
    assert "are free" in error.detail
    assert not (bench.root / "jobs" / "fill-0").exists()
    client, _ = bench.run("echo")
    assert client.outcome is not None
    assert exit_code_of(client.outcome) == 0


def test_a_disk_that_is_full_before(bench: Bench) -> None:
    """Given a disk without room for a job's folder or log, then the job is told as lacking room."""
    with (bench.root / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(1 << 10))
    client, _ = bench.run("echo")
    assert client.outcome is not None
    error = error_of(client.outcome)
    assert error is not None
    assert (error.code, exit_code_of(client.outcome)) == ("disk_full", 6), error
