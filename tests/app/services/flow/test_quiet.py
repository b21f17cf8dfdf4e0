"""Work beside the event loop: waiting for quiet, work on the disk, and held folders."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from flows import go
from small_jobs import Values, one, step

from app.services.flow.background import Background, Stopped
from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.quiet import LOOK_S, MOST_S, OtherPrograms, QuietBudget, Waiting, quiet_budget
from app.services.flow.steps import Flow, StepResult
from app.services.flow.workspace import Workspace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def waited(patience: QuietBudget, most_s: float, share: Callable[[float], float | None]) -> float:
    """Seconds until it was over, by a clock of its own."""
    clock = Clock()
    waiting = Waiting(patience.part(most_s, None), lambda: share(clock.now - 100.0), clock)
    while waiting.tick():
        clock.now += 0.05
    return clock.now - 100.0


def test_a_quiet_computer_is_measured_after_two_looks() -> None:
    assert waited(QuietBudget(), 60.0, lambda at_s: 0.02) == pytest.approx(2 * LOOK_S, abs=0.2)


def test_it_waits_until_others_are_done() -> None:
    """Given programs that end after ten seconds, Then it waits for these and for two looks, and has the rest left."""
    patience = QuietBudget()
    took_s = waited(patience, 60.0, lambda at_s: 0.9 if at_s < 10 else 0.05)
    assert took_s == pytest.approx(12, abs=1.1)
    assert patience.left_s == pytest.approx(60 - took_s, abs=0.1)


def test_a_pause_of_a_moment_is_no_quiet() -> None:
    """Given a program that pauses for each second look, Then it waits to the end."""
    looks = iter([0.0, 0.8] * 20)
    assert waited(QuietBudget(), 15.0, lambda at_s: next(looks)) == pytest.approx(15.0, abs=0.2)


def test_all_waits_of_a_run_are_a_minute_at_most() -> None:
    """Given a computer that is never quiet, Then the second wait has what the first one left."""
    patience = QuietBudget()
    assert waited(patience, 20.0, lambda at_s: 0.9) == pytest.approx(20, abs=0.2)
    assert waited(patience, 60.0, lambda at_s: 0.9) == pytest.approx(40, abs=0.2)
    assert waited(patience, 60.0, lambda at_s: 0.9) < 0.1


def test_where_time_is_limited_a_tenth_of_it_is_waited() -> None:
    assert QuietBudget().part(60.0, 50.0).most_s == pytest.approx(5.0)
    assert QuietBudget().part(20.0, 3600.0).most_s == 20.0
    assert QuietBudget().part(60.0, -1.0).most_s == 0.0


def test_skipping_counts_for_the_whole_run() -> None:
    """Given a person who does not want to wait, Then this wait is over, and there is none later."""
    patience = QuietBudget()
    waiting = Waiting(patience.part(60.0, None), lambda: 0.9, Clock())
    assert waiting.tick()
    patience.skip()
    assert not waiting.tick() and waiting.left_s == 0.0
    assert waited(patience, 60.0, lambda at_s: 0.9) == 0.0


def test_our_own_processes_are_no_other_programs() -> None:
    """Given a child of ours that keeps a core busy, Then it is not counted as another program: the share is less than
    what it alone uses."""
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        others = OtherPrograms()
        before = time.process_time()
        others.share()
        counted = others._read()
        time.sleep(1.0)
        later = others._read()
        ours = later[2] - counted[2] - (time.process_time() - before)
        assert ours > 0.05, "the child's time is among ours"
        share = others.share()
        assert share is not None and 0.0 <= share <= 1.0 - ours / (later[0] - counted[0]) + 0.1
    finally:
        child.kill()
        child.wait()


def test_how_long_a_run_waits_can_be_said_by_the_environment() -> None:
    """Given a machine on which programs always work side by side, then a run need not wait; a value that is no number is reported."""
    assert quiet_budget({}).left_s == MOST_S
    assert quiet_budget({"FETTLE_WAIT_FOR_QUIET_S": "0"}).left_s == 0.0
    with pytest.raises(ValueError, match="number of seconds"):
        quiet_budget({"FETTLE_WAIT_FOR_QUIET_S": "soon"})


def test_the_programs_that_disturb_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given two looks at the processor time of other programs, Then the busiest are named, not those that hardly use it,
    and none where only one look was taken."""
    others = OtherPrograms()
    looks = iter(
        [{(1, "browser"): 5.0, (2, "editor"): 1.0}, {(1, "browser"): 5.9, (2, "editor"): 1.05, (3, "new"): 9.0}]
    )
    monkeypatch.setattr(others, "_read_programs", lambda: next(looks))
    assert others.names() == ()
    assert others.names() == ("browser",)


def test_a_wait_that_ends_in_vain_names_what_disturbed_it() -> None:
    """Given programs that never end, Then the wait names them in the end; where it became quiet it names none."""
    for share, named in ((0.9, ("browser",)), (0.01, ())):
        clock = Clock()
        waiting = Waiting(QuietBudget().part(5.0, None), partial(float, share), clock, lambda: ("browser",))
        while waiting.tick():
            clock.now += 0.5
        assert waiting.disturbed_by == named


def test_result_and_error_come_when_asked() -> None:
    """Given work, Then its result or its error is had by asking, and its thread is joined."""
    assert Background(lambda _stopped: 7).result() == 7

    def fails(_stopped: Stopped) -> None:
        raise OSError("no room")

    failed = Background(fails)
    with pytest.raises(OSError, match="no room"):
        failed.result()
    assert failed.done


def test_it_can_be_stopped() -> None:
    """Given work that looks whether it shall stop, When it is stopped, Then it has ended."""
    began = threading.Event()

    def long(stopped: Stopped) -> str:
        began.set()
        while not stopped():
            pass
        return "stopped"

    work = Background(long)
    began.wait(5)
    assert not work.done
    work.stop()
    assert work.done and work.result() == "stopped"


def test_entry_that_a_job_reads_is_held_until_the_flow_ends(space: Workspace, tmp_path: Path) -> None:
    """Given a job that reads an entry which no row names, as an export in progress does, then the entry cannot be moved
    aside until the flow is over."""
    key = "ab" * 32
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "weights").write_bytes(b"1")
    folder = space.artifacts.adopt(tmp_path / "made", key, {}).folder
    later_s = folder.stat().st_mtime + 1
    driver = Driver(space, one(step("sleep", {"seconds": 30}, read_paths=(folder / "weights",))), ignore)
    assert space.artifacts.held == {key}
    assert space.artifacts.set_aside(folder, later_s) is None and folder.is_dir()
    driver.interrupt()
    assert not space.artifacts.held
    assert space.artifacts.set_aside(folder, later_s) is not None and not folder.exists()


def test_key_of_a_cached_step_is_held_before_it_is_looked_for(space: Workspace) -> None:
    """Given a cached step, made and then found, then its key is held while the flow runs, and not after it."""
    held: list[frozenset[str]] = []

    def flow() -> Flow[str | None]:
        done: StepResult[Values] = yield step("echo", cache=True)
        held.append(space.artifacts.held)
        return done.key

    keys = [go(space, flow()) for _ in range(2)]
    assert held == [frozenset({keys[0]})] * 2 and not space.artifacts.held


def test_path_outside_of_the_store_has_no_key(space: Workspace, tmp_path: Path) -> None:
    """Given paths of the person's own, the store itself, and a file of an entry, then only the last has a key."""
    artifacts = space.artifacts
    assert [artifacts.key_at(path) for path in (tmp_path / "x", artifacts.root, artifacts.root / "ab")] == [None] * 3
    assert artifacts.key_at(artifacts.folder("ab" * 32) / "model" / "x.onnx") == "ab" * 32
