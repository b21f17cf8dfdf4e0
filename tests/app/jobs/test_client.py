"""Test the life of one job: messages, cancel, every kind of death; the next job always runs."""

import os
import signal
import time
from pathlib import Path

import pytest
from jobs_bench import Bench, drive, is_alive
from stopwatch import Stopwatch

from app.jobs.client import JobClient
from app.jobs.outcome import Crashed, explain
from workers.contracts.process.messages import TERMINAL, Cancelled, Failed, Finished, Limits, Progress, Ready


def ends(messages: list[object]) -> list[object]:
    return [message for message in messages if isinstance(message, (*TERMINAL, Crashed))]


def goes(pid: int) -> bool:
    """Wait until a killed process is gone; return whether it is."""
    end_s = time.monotonic() + 60
    while is_alive(pid) and time.monotonic() < end_s:
        time.sleep(0.005)
    return not is_alive(pid)


def test_a_job_ends_with_exactly_one_terminal_message_and_no_process(bench: Bench) -> None:
    """Given a job that succeeds, When it is polled to its end, Then `Finished` is the last and only end."""
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


def test_worker_has_low_priority_and_no_module_of_the_application(bench: Bench) -> None:
    """Given a running job, Then it has lower priority, its home in its folder, and no module of the application."""
    client, messages = bench.run("echo", niceness=10)
    values = messages[-1].result["values"]

    assert values["niceness"] >= 10
    assert values["home"] == str(bench.root / "jobs" / "echo-0" / ".home")
    roots = {name.partition(".")[0] for name in values["modules"]}
    assert not roots & {"app", "widgets", "presets", "PySide6", "sqlalchemy", "alembic", "torch", "onnxruntime"}
    assert client.ready is not None


@pytest.mark.parametrize("polite", [True, False])
def test_cancel_ends_a_job_and_leaves_nothing(bench: Bench, polite: bool) -> None:
    """Given a job that checks for a cancel or does not, When it is cancelled, Then it, its folder and its process are
    gone."""
    client = bench.start(bench.job("sleep", {"polite": polite, "seconds": 3600}))
    drive(client, (bench.root / "jobs" / "sleep-0" / "half.bin").exists)
    pid = client.pid
    client.cancel()
    messages = bench.finish(client)

    assert messages[-1] == Cancelled()
    assert len(ends(messages)) == 1
    assert not is_alive(pid)
    assert list((bench.root / "jobs").iterdir()) == []


@pytest.mark.parametrize("delay_s", [0.0, 0.02, 0.1, 0.15])
def test_cancel_while_the_process_is_still_starting(bench: Bench, delay_s: float) -> None:
    """Given a job that was just started, When it is cancelled at once, Then it ends as cancelled."""
    client = bench.start(bench.job("sleep"))
    pid = client.pid
    time.sleep(delay_s)
    client.cancel()
    messages = bench.finish(client)

    assert ends(messages) == [Cancelled()]
    assert not is_alive(pid)
    assert list((bench.root / "jobs").iterdir()) == []


def test_cancel_ends_programs_of_the_job(bench: Bench) -> None:
    """Given a job that started a program, When it is cancelled, Then the program is gone, too."""
    client = bench.start(bench.job("programs", limits=Limits(start_programs=True)))
    messages = drive(client, lambda: bool(client.log_path and "child" in client.log_path.read_text()))
    child = int(client.log_path.read_text().split("child ")[1].split()[0])
    assert is_alive(child)
    client.cancel()
    messages = bench.finish(client)

    assert messages[-1] == Cancelled()
    assert goes(child)


def test_a_finished_job_leaves_no_program_running(bench: Bench) -> None:
    """Given a job that leaves a program running, When it finishes, Then the program is ended."""
    _, messages = bench.run("programs", {"wait": False}, limits=Limits(start_programs=True))

    assert isinstance(messages[-1], Finished)
    assert goes(messages[-1].result["values"]["child"])


MEMORY = Limits(memory_bytes=300 << 20)
ENDS: list[tuple[str, Limits, str, str]] = [
    ("segv", Limits(), "crash", "native_crash"),
    ("abort", Limits(), "abort", "native_abort"),
    ("kill", Limits(), "killed", "killed"),
    ("exit", Limits(), "exit", "ended_early"),
    ("nonsense", Limits(), "protocol", "bad_answer"),
    ("touch_memory", MEMORY, "memory", "out_of_memory"),
    ("huge_request", MEMORY, "memory", "out_of_memory"),
    ("allocation_text", MEMORY, "memory", "out_of_memory"),
    ("hang", Limits(wall_s=0.8), "wall_time", "time_limit"),
    ("burn", Limits(wall_s=0.8), "wall_time", "time_limit"),
]
SIGNALS = {"segv": "SIGSEGV", "abort": "SIGABRT", "kill": "SIGKILL"}
SLOW_ENDS = [
    ("burn", Limits(cpu_s=1), "cpu_time", "cpu_limit"),
    ("hang", Limits(idle_s=1.5), "idle", "hangs"),
    ("burn", Limits(idle_s=1.5, wall_s=2.5), "wall_time", "time_limit"),
]


@pytest.mark.parametrize(
    ("how", "limits", "cause", "code"), [*ENDS, *(pytest.param(*row, marks=pytest.mark.whole) for row in SLOW_ENDS)]
)
def test_end_without_a_message_is_explained_and_the_next_job_runs(
    bench: Bench, how: str, limits: Limits, cause: str, code: str
) -> None:
    """Given a job that dies, sends no message, or exceeds a limit, Then one `Crashed` with an explanation comes, and
    another job works."""
    _, messages = bench.run("misbehave", {"how": how}, limits=limits)

    (crashed,) = ends(messages)
    assert crashed is messages[-1] and getattr(crashed, "cause", cause) == cause  # the worker itself may report memory
    assert how not in SIGNALS or crashed.signal_name == SIGNALS[how]
    error, exit_code = explain(crashed)
    assert (error.code, exit_code) == (code, 1)
    assert error.detail.endswith(".") and error.hint.endswith(".")
    assert not (bench.root / "jobs" / "misbehave-0").exists()
    assert isinstance(bench.run("echo")[1][-1], Finished)


def test_log_has_the_lines_that_crashed(bench: Bench) -> None:
    """Given a crash in native code, Then the end of the log has the Python lines that led there."""
    client, messages = bench.run("misbehave", {"how": "segv"})

    assert "Segmentation fault" in messages[-1].log_tail
    assert "misbehave.py" in messages[-1].log_tail
    assert client.log_path == bench.root / "logs" / "misbehave-0.log"


def test_job_killed_from_outside_is_reported(bench: Bench) -> None:
    """Given a running job, When another program kills it, Then the cause is "killed"."""
    client = bench.start(bench.job("sleep"))
    drive(client, lambda: client.ready is not None)
    os.kill(client.pid, signal.SIGKILL)
    messages = bench.finish(client)

    assert messages[-1].cause == "killed"


def test_watchdog_of_the_worker_records_the_reason(bench: Bench) -> None:
    """Given a parent that does not poll, When memory exceeds the limit, Then the child ends itself and logs the
    reason."""
    client = bench.start(bench.job("misbehave", {"how": "touch_memory"}, limits=MEMORY))
    pid = client.pid
    end = time.monotonic() + 120
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    messages = bench.finish(client)

    assert messages[-1].cause == "memory"
    assert "fettle-stopped" in messages[-1].log_tail


def test_files_are_limited(bench: Bench) -> None:
    """Given a job that writes too large a file, Then it fails with its own error."""
    _, messages = bench.run("misbehave", {"how": "write_too_much"}, limits=Limits(file_bytes=10 << 20))

    assert isinstance(messages[-1], Failed)
    assert messages[-1].error.code == "file_too_large"


@pytest.mark.parametrize(
    ("how", "code", "exit_code"), [("raise", "internal", 1), ("refuse", "no_good", 3), ("sys_exit", "internal", 1)]
)
def test_exception_is_a_failure_with_an_explanation(bench: Bench, how: str, code: str, exit_code: int) -> None:
    """Given a handler that raises, Then `Failed` has title, detail and hint, and the traceback apart."""
    _, messages = bench.run("misbehave", {"how": how})

    assert isinstance(messages[-1], Failed)
    assert (messages[-1].error.code, messages[-1].exit_code) == (code, exit_code)
    assert "misbehave.py" in messages[-1].error.traceback
    assert not (bench.root / "jobs" / "misbehave-0").exists()


def test_half_a_message_never_blocks_the_window(bench: Bench) -> None:
    """Given a process that sends a partial message and hangs, Then polls return, and cancel works."""
    client = bench.start(bench.job("misbehave", {"how": "half_a_message"}))
    drive(client, (bench.root / "jobs" / "misbehave-0" / "half.bin").exists)
    time.sleep(0.1)
    client.cancel()
    while not client.done:
        client.poll()
        time.sleep(0.01)

    assert isinstance(client.outcome, Cancelled)


def test_a_stopped_process_does_not_hinder_cancel(bench: Bench) -> None:
    """Given a process that the system has stopped, When it is cancelled, Then it is gone."""
    client = bench.start(bench.job("sleep"))
    drive(client, lambda: client.ready is not None)
    os.kill(client.pid, signal.SIGSTOP)
    client.cancel()
    bench.finish(client)

    assert client.outcome == Cancelled()


def test_large_parameters_do_not_wait_for_the_child(bench: Bench) -> None:
    """Given parameters of several megabytes, When the job is started, Then `start` returns at once and they arrive."""
    job = bench.job("echo", {"much": ["x" * 1000] * 4000})
    client = bench.pool.take()
    bench.clients.append(client)
    watch = Stopwatch()
    client.start(job)
    watch.check(1.0)
    messages = bench.finish(client)

    assert len(messages[-1].result["values"]["much"]) == 4000


def test_close_ends_a_running_job(bench: Bench) -> None:
    """Given a running job, When the client is closed, Then process and folder are gone at once."""
    client = bench.start(bench.job("sleep"))
    drive(client, lambda: client.ready is not None)
    pid = client.pid
    client.close()
    client.close()

    assert not is_alive(pid)
    assert client.outcome == Cancelled()
    assert list((bench.root / "jobs").iterdir()) == []


def test_job_that_cannot_be_started_fails(tmp_path: Path) -> None:
    """Given a file in place of the jobs' folder, When a job is started, Then `poll` returns its failure."""
    (tmp_path / "jobs").write_text("in the way")
    bench = Bench(tmp_path, None)
    client = JobClient()
    client.start(bench.job("echo"))
    messages = bench.finish(client)

    assert explain(messages[-1])[0].code == "cannot_start"


def test_unknown_kind_and_wrong_parameters(bench: Bench) -> None:
    """Given an unknown kind, or wrong parameters, Then the error names them."""
    assert bench.run("nothing_such")[1][-1].error.code == "unknown_kind"
    _, messages = bench.run("echo", params={"valeus": 1})
    assert messages[-1].error.code == "wrong_parameters"
    assert "valeus" in messages[-1].error.detail


def test_progress_reaches_the_parent(bench: Bench) -> None:
    _, messages = bench.run("echo")
    assert [m.stage for m in messages if isinstance(m, Progress)] == ["echo"]


def test_a_name_that_is_no_text(bench: Bench) -> None:
    """Given a file name with bytes that are no text, Then the job is refused; errors show such names."""
    client = bench.start(bench.job("echo", {"path": "model\udcff.onnx"}))
    messages = bench.finish(client)
    assert "no text" in explain(messages[-1])[0].detail
    assert not (bench.root / "jobs" / "echo-0").exists()
    _, messages = bench.run("misbehave", {"how": "strange_name"})
    assert messages[-1].error.detail == "Cannot read a?b."
