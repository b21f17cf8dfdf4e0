"""Test how the process of a worker is ended and awaited, and how its end is explained."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from app.jobs.outcome import crash, error_of, exit_code_of, explain, read_tail
from app.jobs.process import WorkerProcess
from workers.contracts.error_info import ErrorInfo
from workers.contracts.process.bootstrap import RECORD_MARK, ChildConfig
from workers.contracts.process.messages import Cancelled, Failed, Finished


class Over:
    """A worker that has ended, with its process id reserved until it is reaped."""

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
def test_release_reaps_an_ended_worker_before_it_awaits_the_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an ended worker that is not reaped, which still is a group, When it is released, Then its group is killed,
    it is reaped, and the wait for the group ends at once."""
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

    assert WorkerProcess(ChildConfig.model_construct(), tmp_path / "log", fork).release() == 5
    assert events == ["kill group", "kill", "join", "reap", "look at group"]


ENDS = [
    (-11, "", None, "crash", "native_crash"),
    (-7, "", None, "crash", "native_crash"),
    (-6, "", None, "abort", "native_abort"),
    (-9, "", None, "killed", "killed"),
    (-15, "", None, "killed", "killed"),
    (-24, "", None, "cpu_time", "cpu_limit"),
    (1, "", None, "exit", "ended_early"),
    (None, "", None, "exit", "ended_early"),
    (-64, "", None, "crash", "native_crash"),
    (-6, "terminate called after throwing an instance of 'std::bad_alloc'", None, "memory", "out_of_memory"),
    (97, RECORD_MARK + '{"reason": "memory", "used": 2, "limit": 1}\nmore', None, "memory", "out_of_memory"),
    (-9, RECORD_MARK + '{"reason": "wall_time", "used": 2, "limit": 1}', None, "wall_time", "time_limit"),
    (-9, RECORD_MARK + "garbage", None, "killed", "killed"),
    (-9, "", "memory", "memory", "out_of_memory"),
    (-9, "", "wall_time", "wall_time", "time_limit"),
    (-9, "", "idle", "idle", "hangs"),
    (-9, "", "turn_time", "turn_time", "hangs"),
    (-9, "", "protocol", "protocol", "bad_answer"),
    (None, "No space left on device", "start", "start", "cannot_start"),
]


@pytest.mark.parametrize(("exit_code", "log", "known", "reason", "code"), ENDS)
def test_each_end_without_a_last_word(exit_code, log, known, reason, code) -> None:
    """Given an exit code, the log and the parent's own cause, Then cause and explanation fit, in whole sentences."""
    crashed = crash(exit_code, log, known)
    error, shown = explain(crashed)
    assert (crashed.cause, error.code, shown) == (reason, code, 1)
    assert error.traceback == log
    assert "more time" not in error.hint, "Settings has a limit on memory alone"
    assert ("Settings" in error.hint) == (code == "out_of_memory")
    for sentence in (error.detail, error.hint):
        assert re.fullmatch(r"[A-Z].*\.", sentence)
        assert "{" not in sentence


def test_a_crash_at_the_memory_limit_is_a_lack_of_memory() -> None:
    assert crash(-11, "", near_memory_limit=True).cause == "memory"
    assert crash(-9, "", near_memory_limit=True).cause == "killed"


def test_the_other_ends() -> None:
    info = ErrorInfo(code="x", title="X", detail="Y.", hint="Z.")
    assert explain(Failed(error=info, exit_code=3)) == (info, 3)
    assert (explain(Cancelled())[0].code, exit_code_of(Cancelled())) == ("cancelled", 5)
    finished = Finished(result={})
    assert (error_of(finished), exit_code_of(finished)) == (None, 0)
    with pytest.raises(ValueError, match="no explanation"):
        explain(finished)


def test_the_tail_of_a_log(tmp_path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"\xff" + b"x" * 20_000 + b"end")
    assert read_tail(path).endswith("end")
    assert len(read_tail(path)) == 8000
    assert read_tail(tmp_path / "nothing") == read_tail(None) == ""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of Unix")
def test_a_pipe_and_a_link_are_no_logs(tmp_path) -> None:
    """Given a data folder of a stranger whose logs are a pipe and a link, Then neither is waited for or followed."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "private").write_text("private")
    (tmp_path / "link").symlink_to(tmp_path / "private")
    assert read_tail(tmp_path / "pipe") == read_tail(tmp_path / "link") == ""
