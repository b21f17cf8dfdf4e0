"""Test connections that break or stall at each stage, and processes that are killed: nothing is lost, nothing stays."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from computer_elsewhere import AGENT, Elsewhere, exchange
from jobs_bench import drive, is_alive
from stopwatch import Stopwatch, busyness

from app.computers.fork import RemoteFork
from app.jobs.client import JobClient
from app.jobs.outcome import Crashed
from workers.contracts.errors import BackendMissing
from workers.contracts.process.messages import Answered, Failed, Finished, Request, Sample

STAGES = {  # where the connection breaks: which side's text goes by
    "before the first frame": ("there", "now"),
    "at the greeting": ("there", '"home"'),
    "when files are compared": ("here", '"have"'),
    "when missing files are known": ("there", '"missing"'),
    "before a file": ("here", '"put"'),
    "in a file": ("here", "the middle"),
    "after a file": ("there", '"received"'),
    "at the start": ("here", '"start"'),
    "after the start": ("there", '"joined"'),
    "at the first message": ("there", '"started"'),
    "when the model is loaded": ("there", '"loaded"'),
    "at a request": ("here", '"index": 1'),
    "at an answer": ("there", '"double":2'),
    "at the last message": ("there", '"finished"'),
    "at the worker's end": ("there", '"exit_code"'),
    "when the keeper has left": ("there", '"left"'),
    "when files are listed": ("here", '"list"'),
    "before a result": ("here", '"get"'),
    "in a result": ("there", "rrrrrrrrrrrrrrrrr"),
    "after a result": ("there", '"sent"'),
    "at the removal": ("here", '"remove"'),
}
HOWS = ["cut", pytest.param("before", marks=pytest.mark.whole), pytest.param("stall", marks=pytest.mark.whole)]


def ends_there(bench: Elsewhere, within_s: float) -> bool:
    """Wait until no process is left there; return whether that came in time."""
    end_s = time.monotonic() + within_s * busyness()
    while bench.processes and time.monotonic() < end_s:
        time.sleep(0.05)
    return not bench.processes


def keeper_of(bench: Elsewhere) -> psutil.Process:
    """Return the keeper of the only job there."""
    return next(one for one in bench.processes if str(AGENT) in one.cmdline() and one.ppid() != os.getpid()
                and any(child.cmdline()[1:2] == ["-c"] for child in one.children()))  # fmt: skip


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("stage", STAGES)
def test_a_broken_connection_loses_nothing(bench: Elsewhere, inputs: Path, stage: str, how: str) -> None:
    """Given a connection that is cut or stalls at a stage, Then the job goes on, and all messages and files come once."""
    side, text = STAGES[stage]
    if how == "before" and text == "now":
        pytest.skip("that is a cut")
    bench.breaking(how, side, text)
    messages = exchange(bench, bench.visit(inputs))

    assert bench.broken == 1
    assert isinstance(messages[-1], Finished), messages
    assert [one.index for one in messages if isinstance(one, Answered)] == [0, 1]
    assert [one.values for one in messages if isinstance(one, Sample)] == [[0.0], [1.0]]
    work = bench.root / "jobs" / "visit"
    assert (work / "deep" / "er" / "größe.bin").read_bytes() == b"r" * 300_000
    assert len(messages[-1].result["values"]["digests"]) == 4
    assert ends_there(bench, 8.0) and (stage == "at the removal" or bench.left == [])


def running(bench: Elsewhere, inputs: Path) -> JobClient:
    """Return a client whose job there waits for a request."""
    client = bench.client()
    client.start(bench.visit(inputs))
    drive(client, lambda: client.ready is not None and client.ready.state == "loaded")
    return client


def test_a_worker_that_is_killed_there(bench: Elsewhere, inputs: Path) -> None:
    """Given a worker that somebody kills there, Then the client reports that cause."""
    client = running(bench, inputs)
    os.kill(client.ready.pid, signal.SIGKILL)
    (*_, last) = bench.finish(client)
    assert isinstance(last, Crashed) and last.cause == "killed"
    assert ends_there(bench, 2.0) and bench.left == []


def test_a_keeper_that_is_killed_there(bench: Elsewhere, inputs: Path) -> None:
    """Given a keeper that somebody kills there, Then its worker ends with it, and the job fails as lost."""
    client = running(bench, inputs)
    keeper_of(bench).kill()
    (*_, last) = bench.finish(client)
    assert isinstance(last, Failed) and last.error.code == "computer_lost"
    assert ends_there(bench, 2.0) and bench.left == []


@pytest.mark.whole
def test_a_keeper_that_stands_still(bench: Elsewhere, inputs: Path) -> None:
    """Given a keeper that does not react any more, Then the job fails in the time of its lease, and nothing stays there."""
    bench.settings["lease_s"] = 2.0
    client = running(bench, inputs)
    keeper_of(bench).suspend()
    (*_, last) = bench.finish(client)
    assert isinstance(last, Failed) and last.error.code == "computer_lost"
    assert ends_there(bench, 2.0) and bench.left == []


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP])
def test_an_agent_that_is_killed_or_stopped(bench: Elsewhere, inputs: Path, sign: signal.Signals) -> None:
    """Given an agent's process that is killed or stopped there, Then the job goes on over another one."""
    client = running(bench, inputs)
    keeper = keeper_of(bench)
    (bridge,) = [one for one in bench.processes if one.pid != keeper.pid and "session" in one.cmdline()]
    bridge.send_signal(sign)
    client.send(Request(index=3, request={}))
    client.send(Request())
    messages = bench.finish(client)
    assert isinstance(messages[-1], Finished), messages
    assert [one.index for one in messages if isinstance(one, Answered)] == [3]
    assert ends_there(bench, 2.0) and bench.left == []


@pytest.mark.whole
def test_without_its_relay_a_job_ends_with_its_lease(bench: Elsewhere, inputs: Path) -> None:
    """Given a relay that is killed, Then the client reports it, and the job there ends with its lease."""
    client = running(bench, inputs)
    os.kill(client.pid, signal.SIGKILL)
    (*_, last) = bench.finish(client)
    assert isinstance(last, Crashed) and last.cause == "killed"
    assert ends_there(bench, 8.0) and not is_alive(client.ready.pid) and bench.left == []


PROGRAM = """
import sys, time
sys.path[:0] = {path!r}
from pathlib import Path
from computer_elsewhere import Elsewhere

if __name__ == "__main__":
    bench = Elsewhere(Path({root!r}), settings=dict(lease_s=45.0))
    client = bench.start(bench.visit(Path({inputs!r})))
    while client.ready is None or client.ready.state != "loaded":
        assert not client.done and client.poll() is not None
        time.sleep(0.01)
    print(client.pid, client.ready.pid, flush=True)
    time.sleep(60)
"""


def test_without_its_program_a_job_ends_at_once(bench: Elsewhere, inputs: Path, tmp_path: Path) -> None:
    """Given a program that is killed, Then its relay ends, and the job there, long before its lease."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM.format(path=sys.path, root=str(bench.root), inputs=str(inputs)))
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        relay, worker = map(int, program.stdout.readline().split())
        program.kill()
    assert ends_there(bench, 4.0) and not is_alive(worker) and not is_alive(relay)
    assert bench.left == []


@pytest.mark.whole
def test_a_computer_that_disappears(bench: Elsewhere, inputs: Path) -> None:
    """Given a computer that no connection reaches any more, Then the job fails in the time of its lease, and ends there."""
    bench.breaking("gone", "here", '"index": 1')
    bench.settings["lease_s"] = 2.0
    messages = exchange(bench, bench.visit(inputs))
    last = messages[-1]
    assert isinstance(last, Failed) and (last.error.code, last.exit_code) == ("computer_lost", 6)
    assert "No route to host" in last.error.detail
    assert ends_there(bench, 6.0) and bench.left == [] and not (bench.root / "jobs" / "visit").exists()


REFUSALS = {
    "anna@host: Permission denied (publickey).": "computer_lost",
    "Host key verification failed.": "computer_lost",
    '{"code": "unknown_verb", "detail": "session"}': "computer_unprepared",
}


def test_a_first_connection_that_is_refused(bench: Elsewhere, inputs: Path) -> None:
    """Given a computer that does not let this key in, has another key or an old agent, Then the job fails at once."""
    for words, code in REFUSALS.items():
        bench.wrapper = [sys.executable, "-c", f"import sys; sys.exit({words!r})"]
        watch = Stopwatch()
        (*_, last) = exchange(bench, bench.visit(inputs))
        watch.check(4.0)
        assert isinstance(last, Failed) and last.error.code == code
        assert code != "computer_lost" or words in last.error.detail


def test_without_a_program_to_reach_it_the_job_cannot_start(bench: Elsewhere, inputs: Path) -> None:
    """Given no SSH here, or a program that does not exist, Then the job fails and says so."""

    def no_ssh(*words: str) -> list[str]:
        raise BackendMissing("ssh_missing", "SSH is missing", "The program ssh was not found", "Install it.")

    client = bench.client(RemoteFork(no_ssh, name="there", version="1.0"))
    client.start(bench.visit(inputs))
    (*_, last) = bench.finish(client)
    assert isinstance(last, Crashed) and (last.cause, last.log_tail) == ("start", "The program ssh was not found")
    bench.wrapper = ["/no/such/ssh"]
    (*_, last) = exchange(bench, bench.visit(inputs, "again"))
    assert isinstance(last, Failed) and last.error.code == "computer_lost"


def test_a_silent_connection_ends_the_agent(bench: Elsewhere) -> None:
    """Given a connection over which nothing comes, Then the agent's process ends with its lease."""
    agent = subprocess.Popen(
        bench.command("session", "silent", "0.5"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    assert agent.wait(10) == -signal.SIGALRM and agent.stdin is not None
    agent.stdin.close()
