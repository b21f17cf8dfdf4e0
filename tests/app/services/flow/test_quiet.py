"""Test work besides the event loop: waiting for quiet, work on the disk, and held entries."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from flows import go
from small_jobs import Values, one, step

from app.services.flow import quiet
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


@contextmanager
def simulated(clock: Clock, share: Callable[[], float | None]) -> Iterator[None]:
    """Replace the clock and the readings of other programs."""
    others = SimpleNamespace(share=share, names=lambda: ("browser",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quiet, "time", SimpleNamespace(monotonic=clock))
        patch.setattr(quiet, "OtherPrograms", lambda: others)
        yield


def waited(patience: QuietBudget, most_s: float, share: Callable[[float], float | None]) -> float:
    """Return the seconds of a wait on a simulated clock."""
    clock = Clock()
    with simulated(clock, lambda: share(clock.now - 100.0)):
        waiting = Waiting(patience.part(most_s, None))
        while waiting.tick():
            clock.now += 0.05
    return clock.now - 100.0


def test_wait_on_a_quiet_computer_ends_after_two_looks() -> None:
    assert waited(QuietBudget(), 60.0, lambda at_s: 0.02) == pytest.approx(2 * LOOK_S, abs=0.2)


def test_wait_ends_two_looks_after_other_programs() -> None:
    """Given programs that end after ten seconds, Then the wait ends two looks later, and the rest of the budget is
    left."""
    patience = QuietBudget()
    took_s = waited(patience, 60.0, lambda at_s: 0.9 if at_s < 10 else 0.05)
    assert took_s == pytest.approx(12, abs=1.1)
    assert patience.left_s == pytest.approx(60 - took_s, abs=0.1)


def test_wait_ignores_short_pauses() -> None:
    """Given a program that pauses for each second look, Then the wait lasts to its end."""
    looks = iter([0.0, 0.8] * 20)
    assert waited(QuietBudget(), 15.0, lambda at_s: next(looks)) == pytest.approx(15.0, abs=0.2)


def test_all_waits_of_a_run_are_a_minute_at_most() -> None:
    """Given a computer that is never quiet, Then the second wait has the rest that the first one left."""
    patience = QuietBudget()
    assert waited(patience, 20.0, lambda at_s: 0.9) == pytest.approx(20, abs=0.2)
    assert waited(patience, 60.0, lambda at_s: 0.9) == pytest.approx(40, abs=0.2)
    assert waited(patience, 60.0, lambda at_s: 0.9) < 0.1


def test_wait_of_a_limited_run_takes_a_tenth_at_most() -> None:
    assert QuietBudget().part(60.0, 50.0).most_s == pytest.approx(5.0)
    assert QuietBudget().part(20.0, 3600.0).most_s == 20.0
    assert QuietBudget().part(60.0, -1.0).most_s == 0.0


def test_skip_ends_all_waits_of_the_run() -> None:
    """Given a person who does not want to wait, Then this wait is over, and there is none later."""
    patience = QuietBudget()
    with simulated(Clock(), lambda: 0.9):
        waiting = Waiting(patience.part(60.0, None))
        assert waiting.tick()
        patience.skip()
        assert not waiting.tick() and waiting.left_s == 0.0
    assert waited(patience, 60.0, lambda at_s: 0.9) == 0.0


def test_share_excludes_our_own_processes() -> None:
    """Given a busy child process, Then it does not count as another program."""
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        others = OtherPrograms()
        before = time.process_time()
        others.share()
        counted = others._read()
        ours, until_s = 0.0, time.monotonic() + 60
        while ours < 0.3:
            assert time.monotonic() < until_s, "the child's time is not among ours"
            time.sleep(0.05)
            later = others._read()
            ours = later[2] - counted[2] - (time.process_time() - before)
        share = others.share()
        assert share is not None and 0.0 <= share <= 1.0 - ours / (later[0] - counted[0]) + 0.1
    finally:
        child.kill()
        child.wait()


def test_quiet_budget_follows_the_environment() -> None:
    """Given a computer on which programs always work side by side, Then the variable ends all waits; a value that is no
    number is refused."""
    assert quiet_budget({}).left_s == MOST_S
    assert quiet_budget({"FETTLE_WAIT_FOR_QUIET_S": "0"}).left_s == 0.0
    with pytest.raises(ValueError, match="number of seconds"):
        quiet_budget({"FETTLE_WAIT_FOR_QUIET_S": "soon"})


def test_names_are_those_of_the_busiest_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given two readings of processor times, Then the busiest programs are named, and none after one reading."""
    others = OtherPrograms()
    looks = iter(
        [{(1, "browser"): 5.0, (2, "editor"): 1.0}, {(1, "browser"): 5.9, (2, "editor"): 1.05, (3, "new"): 9.0}]
    )
    monkeypatch.setattr(others, "_read_programs", lambda: next(looks))
    assert others.names() == ()
    assert others.names() == ("browser",)


def test_wait_that_ends_in_vain_names_the_programs() -> None:
    """Given programs that never end, Then the wait names them; after a quiet end it names none."""
    for share, named in ((0.9, ("browser",)), (0.01, ())):
        clock = Clock()
        with simulated(clock, partial(float, share)):
            waiting = Waiting(QuietBudget().part(5.0, None))
            while waiting.tick():
                clock.now += 0.5
        assert waiting.disturbed_by == named


def test_background_result_returns_or_raises() -> None:
    """Given work in a thread, Then `result` returns its result or raises its error."""
    assert Background(lambda _stopped: 7).result() == 7

    def fails(_stopped: Stopped) -> None:
        raise OSError("no room")

    failed = Background(fails)
    with pytest.raises(OSError, match="no room"):
        failed.result()
    assert failed.done


def test_background_stop_ends_the_work() -> None:
    """Given work that checks for a stop, When it is stopped, Then it has ended."""
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
    """Given a job that reads an entry which no row names, Then the entry cannot be moved aside until the flow is
    over."""
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


def test_key_of_a_cached_step_is_held_during_the_flow(space: Workspace) -> None:
    """Given a cached step, made and then found, Then its key is held while the flow runs, and not after it."""
    held: list[frozenset[str]] = []

    def flow() -> Flow[str | None]:
        done: StepResult[Values] = yield step("echo", cache=True)
        held.append(space.artifacts.held)
        return done.key

    keys = [go(space, flow()) for _ in range(2)]
    assert held == [frozenset({keys[0]})] * 2 and not space.artifacts.held


def test_path_outside_of_the_store_has_no_key(space: Workspace, tmp_path: Path) -> None:
    """Given a person's path, the store itself, and a file of an entry, Then only the last has a key."""
    artifacts = space.artifacts
    assert [artifacts.key_at(path) for path in (tmp_path / "x", artifacts.root, artifacts.root / "ab")] == [None] * 3
    assert artifacts.key_at(artifacts.folder("ab" * 32) / "model" / "x.onnx") == "ab" * 32
