"""Test that a job on another computer looks like one here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from computer_elsewhere import Elsewhere, elsewhere

from workers.contracts.process.messages import Finished, Ready


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Elsewhere]:
    """Yield a bench whose jobs run elsewhere."""
    with elsewhere(tmp_path, lease_s=5.0) as made:
        yield made


def test_a_job_there_ends_like_one_here(bench: Elsewhere) -> None:
    """Given a job with an input, When it runs there, Then its messages and files come here and nothing stays there."""
    _, messages = bench.run("echo", {"x": 1}, seed=7, threads=2)

    assert isinstance(messages[0], Ready), messages
    assert isinstance(messages[-1], Finished), messages
    assert (bench.root / "jobs" / "echo-0" / "out.txt").read_text() == "made"
    assert list((bench.home / "jobs").glob("[!.]*")) == []
