"""The corpus, written once for all by its own process, and the folder where payloads would leave a mark."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from doors import path_of
from hostile_corpus.base import Entry, read_index
from made_once import made_once
from spaces import opened_space

from app.services.flow.workspace import Workspace
from workers.contracts.process.allowance import usable_cores


@pytest.fixture(scope="session")
def canary() -> Iterator[Path]:
    """Empty, unless something was executed."""
    folder = made_once("canary", lambda _: None)
    before = os.environ.get("HOSTILE_CANARY_DIR")
    os.environ["HOSTILE_CANARY_DIR"] = str(folder)
    yield folder
    if before is None:
        del os.environ["HOSTILE_CANARY_DIR"]
    else:
        os.environ["HOSTILE_CANARY_DIR"] = before


@pytest.fixture(scope="session")
def corpus(canary: Path) -> Path:
    """All 267 files."""
    return made_once("corpus", lambda out: _write(out, canary))


def _write(out: Path, canary: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "hostile_corpus.make", "--out", out, "--canary-dir", canary]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert list(canary.iterdir()) == []


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
    with opened_space(tmp_path / "data", threads=usable_cores()) as made:
        yield made
