"""The life of one job: messages, cancel, every kind of death; the next job always runs."""

import os
import signal
import time
from pathlib import Path

import pytest
from jobs_bench import Bench, drive, is_alive
from stopwatch import Stopwatch, busyness

from app.jobs.client import JobClient
from app.jobs.outcome import Crashed, explain
from workers.contracts.process.messages import TERMINAL, Cancelled, Failed, Finished, Limits, Progress, Ready


def ends(messages: list[object]) -> list[object]:
    return [message for message in messages if isinstance(message, (*TERMINAL, Crashed))]


def goes(pid: int) -> bool:
    """A killed process is gone, however busy the computer is; the program waits `GROUP_WAIT_S` for it and no longer."""
    end_s = time.monotonic() + 2 * busyness()
    while is_alive(pid) and time.monotonic() < end_s:
        time.sleep(0.005)
    return not is_alive(pid)


def test_a_job_ends_with_exactly_one_terminal_message_and_no_process(bench: Bench) -> None:
    """Given a job that does its work, When it is polled to its end, Then `Finished` is the last and only end."""
    client = bench.start(bench.job("echo", {"x": 1}, seed=7, threads=2))
    pid = client.pid
    messages = bench.finish(client)

    assert isinstance(messages[0], Ready)
    assert isinstance(messages[-1], Finished)
    assert len(ends(messages)) == 1
    values = messages[-1].result["values"]
    assert (values["x"], values["seed"], values["omp"], values["pid"]) == (1, 7, "2", pid)
    assert not is_alive(pid)
    assert client.poll() == []
    assert (bench.root / "jobs" / "echo-0" / "out.txt").read_text() == "made"
    assert not (bench.root / "jobs" / "echo-0" / ".home").exists()


def test_a_worker_is_polite_and_knows_nothing_of_the_window(bench: Bench) -> None:
    """Given a running job, Then it has lower priority, its home in its folder, and no module of the application."""
    client, messages = bench.run("echo", niceness=10)
    values = messages[-1].result["values"]

    assert values["niceness"] >= 10
    assert values["home"] == str(bench.root / "jobs" / "echo-0" / ".home")
    roots = {name.partition(".")[0] for name in values["modules"]}
    assert not roots & {"app", "widgets", "presets", "PySide6", "sqlalchemy", "alembic", "torch", "onnxruntime"}
    assert client.ready is not None


@pytest.mark.parametrize(("polite", "most_s"), [(True, 0.4), (False, 1.0)])
def test_cancel_takes_a_second_at_most_and_leaves_nothing(bench: Bench, polite: bool, most_s: float) -> None:
    """Given a job that works or that never looks, When cancelled, Then it, its folder and its process are gone."""
    client = bench.start(bench.job("sleep", {"polite": polite}))
    drive(client, (bench.root / "jobs" / "sleep-0" / "half.bin").exists)
    pid = client.pid
    watch = Stopwatch()
    client.cancel()
    messages = bench.finish(client)

    watch.check(most_s)
    assert messages[-1] == Cancelled()
    assert len(ends(messages)) == 1
    assert not is_alive(pid)
    assert list((bench.root / "jobs").iterdir()) == []


@pytest.mark.parametrize("delay_s", [0.0, 0.02, 0.1, 0.15])
def test_cancel_while_the_process_is_still_starting(bench: Bench, delay_s: float) -> None:
    """Given a job that was just started, When cancelled at once, Then it ends as cancelled within a second."""
    client = bench.start(bench.job("sleep"))
    pid = client.pid
    time.sleep(delay_s)
    watch = Stopwatch()
    client.cancel()
    messages = bench.finish(client)

    watch.check(1.0)
    assert ends(messages) == [Cancelled()]
    assert not is_alive(pid)
    assert list((bench.root / "jobs").iterdir()) == []


def test_cancel_ends_also_what_the_job_started(bench: Bench) -> None:
    """Given a job with a program of its own, When cancelled, Then the program is gone with it."""
    client = bench.start(bench.job("programs", limits=Limits(start_programs=True)))
    messages = drive(client, lambda: bool(client.log_path and "child" in client.log_path.read_text()))
    child = int(client.log_path.read_text().split("child ")[1].split()[0])
    assert is_alive(child)
    client.cancel()
    messages = bench.finish(client)

    assert messages[-1] == Cancelled()
    assert goes(child)


def test_a_finished_job_leaves_no_program_running(bench: Bench) -> None:
    """Given a job that forgets a program, When it finishes, Then the program is ended."""
    _, messages = bench.run("programs", {"wait": False}, limits=Limits(start_programs=True))

    assert isinstance(messages[-1], Finished)
    assert goes(messages[-1].result["values"]["child"])


DEATHS = [
    ("segv", "native_crash", "SIGSEGV"),
    ("abort", "native_abort", "SIGABRT"),
    ("kill", "killed", "SIGKILL"),
    ("exit", "ended_early", None),
]


@pytest.mark.parametrize(("how", "code", "signal_name"), DEATHS)
def test_a_death_is_told_in_words_and_the_next_job_runs(
    bench: Bench, how: str, code: str, signal_name: str | None
) -> None:
    """Given a job that dies without a word, Then one `Crashed` with plain words comes, and another job works."""
    _, messages = bench.run("misbehave", {"how": how})

    assert len(ends(messages)) == 1
    crashed = messages[-1]
    assert isinstance(crashed, Crashed)
    assert crashed.signal_name == signal_name
    error, exit_code = explain(crashed)
    assert (error.code, exit_code) == (code, 1)
    assert error.detail.endswith(".")
    assert error.hint.endswith(".")
    assert not (bench.root / "jobs" / "misbehave-0").exists()
    assert isinstance(bench.run("echo")[1][-1], Finished)


def test_the_log_holds_where_a_crash_happened(bench: Bench) -> None:
    """Given a crash in native code, Then the end of the log shows the Python lines that led there."""
    client, messages = bench.run("misbehave", {"how": "segv"})

    assert "Segmentation fault" in messages[-1].log_tail
    assert "misbehave.py" in messages[-1].log_tail
    assert client.log_path == bench.root / "logs" / "misbehave-0.log"


def test_killed_from_outside(bench: Bench) -> None:
    """Given a running job, When somebody kills it, Then it is told so."""
    client = bench.start(bench.job("sleep"))
    drive(client, lambda: client.ready is not None)
    os.kill(client.pid, signal.SIGKILL)
    messages = bench.finish(client)

    assert messages[-1].cause == "killed"


MEMORY = Limits(memory_bytes=300 << 20)


@pytest.mark.parametrize("how", ["touch_memory", "huge_request", "allocation_text"])
def test_too_much_memory_is_told_as_such(bench: Bench, how: str) -> None:
    """Given a job that takes memory step by step, or asks for a terabyte, Then it is told as out of memory."""
    _, messages = bench.run("misbehave", {"how": how}, limits=MEMORY)

    assert len(ends(messages)) == 1
    assert explain(messages[-1])[0].code == "out_of_memory"
    assert not (bench.root / "jobs" / "misbehave-0").exists()
    assert isinstance(bench.run("echo")[1][-1], Finished)


def test_the_workers_own_watchdog_tells_the_reason_without_a_parent_that_looks(bench: Bench) -> None:
    """Given a parent that does not poll, When memory runs over, Then the child ends itself and says why."""
    client = bench.start(bench.job("misbehave", {"how": "touch_memory"}, limits=MEMORY))
    pid = client.pid
    end = time.monotonic() + 20
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    messages = bench.finish(client)

    assert messages[-1].cause == "memory"
    assert "fettle-stopped" in messages[-1].log_tail


@pytest.mark.whole
def test_processor_time_is_limited(bench: Bench) -> None:
    """Given a job that computes for ever, When a second of processor time is over, Then the system stops it."""
    _, messages = bench.run("misbehave", {"how": "burn"}, limits=Limits(cpu_s=1))

    assert messages[-1].cause == "cpu_time"
    assert explain(messages[-1])[0].code == "cpu_limit"


@pytest.mark.parametrize("how", ["hang", "burn"])
def test_time_is_limited(bench: Bench, how: str) -> None:
    """Given a job that hangs, When its time is over, Then it is stopped and told so."""
    watch = Stopwatch()
    _, messages = bench.run("misbehave", {"how": how}, limits=Limits(wall_s=0.8))

    assert messages[-1].cause == "wall_time"
    watch.check(3.0)


@pytest.mark.whole
def test_whoever_does_nothing_is_stopped(bench: Bench) -> None:
    """Given a job that hangs and one that works as long, When they may be idle for a while, Then only the first ends."""
    _, hung = bench.run("misbehave", {"how": "hang"}, limits=Limits(idle_s=1.5))
    _, busy = bench.run("misbehave", {"how": "burn"}, limits=Limits(idle_s=1.5, wall_s=2.5))

    assert (hung[-1].cause, explain(hung[-1])[0].code) == ("idle", "hangs")
    assert busy[-1].cause == "wall_time"


def test_files_are_limited(bench: Bench) -> None:
    """Given a job that writes too large a file, Then it fails with words of its own."""
    _, messages = bench.run("misbehave", {"how": "write_too_much"}, limits=Limits(file_bytes=10 << 20))

    assert isinstance(messages[-1], Failed)
    assert messages[-1].error.code == "file_too_large"


@pytest.mark.parametrize(
    ("how", "code", "exit_code"), [("raise", "internal", 1), ("refuse", "no_good", 3), ("sys_exit", "internal", 1)]
)
def test_an_exception_is_a_failure_in_plain_words(bench: Bench, how: str, code: str, exit_code: int) -> None:
    """Given a handler that raises, Then `Failed` carries title, detail, hint, and the traceback apart."""
    _, messages = bench.run("misbehave", {"how": how})

    assert isinstance(messages[-1], Failed)
    assert (messages[-1].error.code, messages[-1].exit_code) == (code, exit_code)
    assert "misbehave.py" in messages[-1].error.traceback
    assert not (bench.root / "jobs" / "misbehave-0").exists()


def test_nonsense_on_the_pipe_ends_the_job(bench: Bench) -> None:
    """Given a process that writes bytes that are no message, Then it is killed and reported."""
    _, messages = bench.run("misbehave", {"how": "nonsense"})

    assert messages[-1].cause == "protocol"


def test_half_a_message_never_blocks_the_window(bench: Bench) -> None:
    """Given a process that sends a part of a message and hangs, Then every poll returns at once, and cancel works."""
    client = bench.start(bench.job("misbehave", {"how": "half_a_message"}))
    drive(client, (bench.root / "jobs" / "misbehave-0" / "half.bin").exists)
    time.sleep(0.1)
    client.cancel()
    while not client.done:
        watch = Stopwatch()
        client.poll()
        watch.check(0.4)  # the last poll also reaps the process and removes its folder
        time.sleep(0.01)

    assert isinstance(client.outcome, Cancelled)


def test_a_stopped_process_does_not_hinder_cancel(bench: Bench) -> None:
    """Given a process that the system holds, When cancelled, Then it is gone within a second."""
    client = bench.start(bench.job("sleep"))
    drive(client, lambda: client.ready is not None)
    os.kill(client.pid, signal.SIGSTOP)
    watch = Stopwatch()
    client.cancel()
    bench.finish(client)

    watch.check(1.0)
    assert client.outcome == Cancelled()


def test_large_parameters_do_not_wait_for_the_child(bench: Bench) -> None:
    """Given parameters of some megabytes, When the job is started, Then start returns at once and they arrive."""
    job = bench.job("echo", {"much": ["x" * 1000] * 4000})
    client = bench.pool.take()
    bench.clients.append(client)
    watch = Stopwatch()
    client.start(job)
    watch.check(0.15)
    messages = bench.finish(client)

    assert len(messages[-1].result["values"]["much"]) == 4000


def test_close_ends_what_still_runs(bench: Bench) -> None:
    """Given a running job, When the client is closed, Then process and folder are gone at once."""
    client = bench.start(bench.job("sleep"))
    drive(client, lambda: client.ready is not None)
    pid = client.pid
    client.close()
    client.close()

    assert not is_alive(pid)
    assert client.outcome == Cancelled()
    assert list((bench.root / "jobs").iterdir()) == []


def test_a_job_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    """Given a file where the jobs' folder should be, When a job is started, Then it fails in words, not by a raise."""
    (tmp_path / "jobs").write_text("in the way")
    bench = Bench(tmp_path, None)
    client = JobClient()
    client.start(bench.job("echo"))
    messages = bench.finish(client)

    assert explain(messages[-1])[0].code == "cannot_start"


def test_unknown_kind_and_wrong_parameters(bench: Bench) -> None:
    """Given a kind that does not exist, or parameters that do not fit, Then the words name them."""
    assert bench.run("nothing_such")[1][-1].error.code == "unknown_kind"
    _, messages = bench.run("echo", params={"valeus": 1})
    assert messages[-1].error.code == "wrong_parameters"
    assert "valeus" in messages[-1].error.detail


def test_progress_reaches_the_parent(bench: Bench) -> None:
    _, messages = bench.run("echo")
    assert [m.stage for m in messages if isinstance(m, Progress)] == ["echo"]


def test_a_name_that_is_no_text(bench: Bench) -> None:
    """Given a file name of bytes that are no text, Then the job is refused in words; answers show such names."""
    client = bench.start(bench.job("echo", {"path": "model\udcff.onnx"}))
    messages = bench.finish(client)
    assert "no text" in explain(messages[-1])[0].detail
    assert not (bench.root / "jobs" / "echo-0").exists()
    _, messages = bench.run("misbehave", {"how": "strange_name"})
    assert messages[-1].error.detail == "Cannot read a?b."
