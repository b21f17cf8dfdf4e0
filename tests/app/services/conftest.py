"""A workspace with a real database, a real store and real processes whose handlers are small."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from forking import shared_server
from play import Like, Play
from staging import Make, Stage

from app.jobs.pool import WorkerPool
from app.paths import DataPaths
from app.persistence import open_store
from app.services.flow.artifacts import ArtifactStore
from app.services.flow.workspace import Workspace

HANDLERS = "fettle_service_handlers"


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    paths = DataPaths(tmp_path / "home")
    with open_store(paths) as store:
        pool = WorkerPool(
            paths.jobs, logs_dir=paths.logs, store=paths.store, job_kinds=HANDLERS, fork_server=shared_server(HANDLERS)
        )
        yield Workspace(paths, paths.jobs, ArtifactStore(paths.store), pool, store)
        pool.close()


@pytest.fixture
def stage(space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    def make(original: Like, variants: dict[str, Like], **goal: Any) -> Stage:
        return Stage(space, Play(tmp_path / "play", space.artifacts, original, variants), monkeypatch, **goal)

    return make
