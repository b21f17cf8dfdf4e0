"""Workers whose handlers misbehave."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jobs_bench import HANDLERS, Bench

from app.jobs.pool import WorkerPool


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, WorkerPool(tmp_path / "jobs", handler_package=HANDLERS))
    yield made
    for client in made.clients:
        client.close()
    made.pool.close()
