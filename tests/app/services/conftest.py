"""Provide a workspace with a real database, a real store and real processes with small handlers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from play import Like, Play
from spaces import opened_space
from staging import Make, Stage

from app.services.flow.workspace import Workspace

HANDLERS = "fettle_service_handlers"


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    with opened_space(tmp_path / "home", job_kinds=HANDLERS) as made:
        yield made


@pytest.fixture
def stage(space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    def make(original: Like, variants: dict[str, Like], **goal: Any) -> Stage:
        return Stage(space, Play(tmp_path / "play", space.artifacts, original, variants), monkeypatch, **goal)

    return make
