"""A result on a busy computer: real requests of the sample beside a program that uses a core for 30 % of the time."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.to_end import run_to_end
from tests.benchmarks.bench_space import bench_space, opened_sample
from tests.benchmarks.under_load import final_of, is_called_faster

BURNS = """
import time
while True:
    end = time.perf_counter() + 0.03
    while time.perf_counter() < end: pass
    time.sleep(0.07)
"""
LEAST, MOST = 1.2, 2.2
"""Speedup of one picture over two pictures in a request, with what a small model costs for each request."""


@pytest.fixture
def burner() -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", BURNS]) as process:
        yield
        process.kill()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the system does not report how long threads waited")
@pytest.mark.usefixtures("burner")
def test_version_is_found_on_a_busy_computer_and_an_equal_one_is_not(tmp_path: Path) -> None:
    """Given the sample beside a program that keeps coming back, Then a version of half the work is called faster by
    undisturbed requests, and the same model is not."""
    with bench_space(tmp_path) as space:
        model, data = run_to_end(Driver(space, opened_sample(), ignore))
        half, same = (run_to_end(Driver(space, final_of(model, data, batches), ignore)) for batches in ((2, 1), (1, 1)))
    assert half.under_load and same.under_load
    assert half.undisturbed and is_called_faster(half) and LEAST < half.speedup < MOST
    assert not is_called_faster(same) and same.speedup == pytest.approx(1.0, abs=0.15)
