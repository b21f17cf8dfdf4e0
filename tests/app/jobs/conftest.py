"""Workers whose handlers misbehave."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # a spawned child gets the same path

from jobs_bench import HANDLERS, Bench

from app.jobs.pool import WorkerPool


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, WorkerPool(tmp_path / "jobs", handler_package=HANDLERS))
    yield made
    for client in made.clients:
        client.close()
    made.pool.close()
