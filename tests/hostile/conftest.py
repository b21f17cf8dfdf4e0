"""The corpus, written once a session by a process of its own, and the folder where payloads would leave a mark."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from doors import path_of, workspace
from hostile_corpus.base import Entry, read_index

from app.services.flow.workspace import Workspace


@pytest.fixture(scope="session")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Empty, unless something was executed."""
    folder = tmp_path_factory.mktemp("canary")
    before = os.environ.get("HOSTILE_CANARY_DIR")
    os.environ["HOSTILE_CANARY_DIR"] = str(folder)
    yield folder
    if before is None:
        del os.environ["HOSTILE_CANARY_DIR"]
    else:
        os.environ["HOSTILE_CANARY_DIR"] = before


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory, canary: Path) -> Path:
    """All 267 files."""
    out = tmp_path_factory.mktemp("corpus")
    command = [sys.executable, "-W", "ignore", "-m", "hostile_corpus.make", "--out", out, "--canary-dir", canary]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert list(canary.iterdir()) == []
    return out


@pytest.fixture(scope="session")
def entries(corpus: Path) -> dict[str, Entry]:
    """The index by file."""
    return {entry.file: entry for entry in read_index(corpus)}


@pytest.fixture(scope="session")
def files(corpus: Path, entries: dict[str, Entry]) -> dict[str, Path]:
    """Where each file of the index lies."""
    return {name: path_of(corpus, entry) for name, entry in entries.items()}


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    """A fresh data folder, with workers."""
    with workspace(tmp_path / "data") as made:
        yield made
