"""Closing in the middle, being killed, coming back; two programs at once."""

import json
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from rig import Program, Start
from small_model import write_model, write_quick_preset

RUN_S = 240


@contextmanager
def stored(program: Program) -> Iterator[sqlite3.Connection]:
    """The database, only read."""
    connection = sqlite3.connect(f"file:{program.home / 'data' / 'fettle.db'}?mode=ro", uri=True)
    yield connection
    connection.close()


def measured(program: Program) -> Counter[str]:
    """Timed requests by version."""
    with stored(program) as database:
        rows = database.execute(
            "select v.body_json, count(*) from latencies l join variants v on v.id = l.variant_id group by v.id"
        )
        found: Counter[str] = Counter()
        for body, count in rows:
            found[json.loads(body)["title"]] += count
        return found


def states(program: Program) -> list[str]:
    with stored(program) as database:
        return [row[0] for row in database.execute("select state from runs order by created_at")]


def begin_a_run(start: Start, folder: Path) -> Program:
    """Start a run without data, and wait until the first version after the original is being made."""
    write_quick_preset(folder / "home")
    program = start(str(write_model(folder / "colors.onnx")))
    program.until_page("model", "full", 30)
    program.press("Continue to data")
    program.press("Continue without data")
    program.until_page("goal", "full", 60)
    program.click(lambda view: view.find("Quick", "QRadioButton"), "the card Quick")
    program.press("Start (")
    program.until_page("optimize", "running")
    program.until_text("Faster engine: running", limit_s=RUN_S)
    return program


def check_gone(program: Program, below: list[psutil.Process]) -> None:
    """Check that a process has ended with all its workers."""
    program.process.wait(30)
    _, alive = psutil.wait_procs(below, timeout=30)
    assert alive == []


def go_on(program: Program) -> None:
    program.until_page("optimize", "interrupted", 30)
    program.until_text("This run was interrupted", "Go on")
    program.press("Go on")
    program.until(lambda view: view.state in ("finished", "kept_original"), RUN_S, "the end of the run")


def closed_in_the_middle(program: Program) -> Program:
    """A run was under way when its window was closed, which asked before it stopped."""
    program.close_window()
    program.until(lambda view: view.modal.startswith("Stop the work"), 10, "the question")
    program.press("Keep working")
    program.until(lambda view: not view.modal and view.state == "running", 10, "the run")
    program.close_window()
    program.until(lambda view: bool(view.modal), 10, "the question")
    below = program.children
    program.press("Stop and close")
    check_gone(program, below)

    assert program.process.returncode == 0
    assert states(program) == ["interrupted"]
    assert measured(program)["Original"] > 0
    return program


@pytest.mark.timeout(600)
def test_cancelled_closed_or_killed_run_can_go_on(start: Start, tmp_path: Path) -> None:
    """Given a run, When it is cancelled, Then the page offers to go on; When the window is closed, Then it asks,
    "stop" ends all processes, and the next start has what was measured; When the program is killed, Then no process stays, and the next start shows the run as interrupted."""
    program = begin_a_run(start, tmp_path)
    assert len([child for child in program.children if child.nice() > 0]) >= 1
    program.press("Cancel")
    program.until_page("optimize", "cancelled", 10)
    program.until_text("Cancelled", "Go on")
    assert states(program) == ["cancelled"]
    program.press("Go on")
    program.until_page("optimize", "running", 10)
    before = measured(closed_in_the_middle(program))

    program = start()
    program.until_page("optimize", "interrupted", 30)
    program.until_text("This run was interrupted", "Fettle was closed during this run", "Go on", "Measure the original")
    assert measured(program) == before
    program.press("Go on")
    program.until_page("optimize", "running", 30)
    assert len(states(program)) == 1
    program.wait(lambda: any((program.home / "data" / "jobs").iterdir()), 30, "a job")
    below = program.children
    program.process.send_signal(signal.SIGKILL)
    check_gone(program, below)
    before = measured(program)
    left = set((program.home / "data" / "jobs").iterdir())
    assert left, "a killed program has no time to clear up"

    program = start()
    program.until_page("optimize", "interrupted", 30)
    program.until_text("This run was interrupted", "Fettle ended unexpectedly", "Measure the original")
    assert states(program) == ["interrupted"]
    assert measured(program) == before
    assert not left & set((program.home / "data" / "jobs").iterdir())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_was_closed_goes_on_to_its_end(start: Start, tmp_path: Path) -> None:
    """Given the same, When it goes on, Then it ends as one run, with all that was measured before."""
    before = measured(closed_in_the_middle(begin_a_run(start, tmp_path)))
    program = start()
    go_on(program)
    assert len(states(program)) == 1
    after = measured(program)
    assert set(before) <= set(after) and len(after) > len(before)
    program.close_window()
    program.process.wait(60)
    assert program.process.returncode == 0


@pytest.mark.timeout(180)
def test_files_of_the_command_line_open_in_one_window(start: Start, tmp_path: Path) -> None:
    """Given no window, When Fettle is started with a file, Then the window opens it; when it is started again with
    another by its address, Then that start ends, and the minimized window comes to the front and opens that one. What refers to itself goes meanwhile, and never while
    Qt calls Python code: it may still hold it."""
    program = start(str(write_model(tmp_path / "given.onnx")))
    program.until_page("model", "full", 30)
    program.until_text("given", "classifies pictures")
    for _ in range(2):  # once would be what is collected after the start
        assert not program.see().garbage["automatic"]
        program.wait(lambda: program.see().garbage["collected"], 30, "the collection", 1)

    (own,) = program.screen.do(
        "search", "--all", "--onlyvisible", "--pid", program.process.pid, "--name", "Fettle$"
    ).split()
    program.screen.do("windowminimize", "--sync", own)
    address = write_model(tmp_path / "ünï 模型 a#b%20.onnx").as_uri()
    second = [sys.executable, "-m", "app", address]
    done = subprocess.run(second, env=program.environment, cwd=program.home, timeout=120, check=False)
    assert done.returncode == 0
    program.until_text("ünï 模型 a#b%20", "classifies pictures")
    program.wait(lambda: program.screen.do("getactivewindow").strip() == own, 10, "the window in front")
    program.close_window()
    assert program.process.wait(60) == 0
