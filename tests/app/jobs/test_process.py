"""One process of a worker: in which order it is ended, reaped and waited for."""

import os
from pathlib import Path
from typing import Any

import pytest

from app.jobs.process import WorkerProcess
from workers.contracts.process.bootstrap import ChildConfig


class Over:
    """A worker that is over, with its number kept until it is reaped, as the fork server has them."""

    def __init__(self, events: list[str]) -> None:
        self.pid, self.sentinel, self.exitcode = 12345, os.open(os.devnull, os.O_RDONLY), 5
        self._events, self.reaped = events, False

    def kill(self) -> None:
        self._events.append("kill")

    def join(self, timeout: float | None = None) -> None:
        self._events.append("join")

    def close(self) -> None:
        os.close(self.sentinel)
        self.reaped = True
        self._events.append("reap")


@pytest.mark.skipif(os.name == "nt", reason="there are no groups of processes")
def test_who_is_over_is_reaped_before_its_group_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a worker that is over and not reaped, which still is a group of one, When it is released, Then its group is
    killed first, then it is reaped, and the first look at the group finds nobody: no time is lost with every job."""
    events: list[str] = []
    worker = Over(events)

    def group(pid: int, number: int) -> None:
        events.append("look at group" if number == 0 else "kill group")
        if number == 0 and worker.reaped:
            raise ProcessLookupError

    monkeypatch.setattr(os, "killpg", group)
    monkeypatch.setattr(os, "getpgid", lambda pid: pid)

    def fork(config: ChildConfig, connection: Any) -> Over:
        return worker

    process = WorkerProcess(ChildConfig.model_construct(), tmp_path / "log", fork)
    assert process.release() == 5
    assert events == ["kill group", "kill", "join", "reap", "look at group"]
