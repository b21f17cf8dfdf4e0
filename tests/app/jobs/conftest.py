"""Provide workers whose handlers misbehave."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from forking import shared_server
from jobs_bench import HANDLERS, Bench, opened

from app.jobs.fork_server import IS_OFFERED

WAYS = ["anew", *(["forked"] if IS_OFFERED else [])]


@pytest.fixture
def new_bench(tmp_path: Path) -> Iterator[Bench]:
    """Yield a bench whose workers are new processes."""
    with opened(tmp_path) as made:
        yield made


@pytest.fixture(params=WAYS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Yield a bench whose workers are new processes, or forked ones."""
    with opened(tmp_path, shared_server(HANDLERS) if request.param == "forked" else None) as made:
        yield made
