"""Whether a process does nothing."""

import os
import sys
import time
from collections.abc import Iterator

from app.jobs.idle import IdleWatch, cpu_seconds


def readings(*values: float | None) -> IdleWatch:
    """A watch whose reader gives these, one a look."""
    left: Iterator[float | None] = iter(values)
    return IdleWatch(lambda: next(left))


def test_no_processor_time_is_idle() -> None:
    """Given a process that stops working, Then it is idle once the limit has passed since its last work, not before."""
    watch = readings(0.0, 2.0, 2.005, 2.01, 2.015)
    assert [watch.is_idle(2.0, now_s=now_s) for now_s in (1.0, 2.0, 3.0, 4.0, 5.0)] == [
        False,
        False,
        False,
        False,
        True,
    ]


def test_a_little_work_is_work() -> None:
    """Given a process that does a hundredth of a core's work now and then, Then it is never idle."""
    watch = readings(*(0.05 * turn for turn in range(20)))
    assert not any(watch.is_idle(2.0, now_s=float(turn)) for turn in range(1, 20))


def test_a_computer_that_slept_is_no_hang() -> None:
    """Given an hour in which nobody looked, Then waiting begins anew."""
    watch = readings(*[0.0] * 9)
    times_s = (1.0, 2.0, 3600.0, 3601.0, 3602.0, 3603.0)
    assert [watch.is_idle(2.0, now_s=now_s) for now_s in times_s] == [False, False, False, False, False, True]


def test_it_looks_seldom_and_forgives_what_is_over() -> None:
    """Given many turns within a second, Then it reads once; a process that is over is not idle."""
    watch = readings(0.0)
    assert not any(watch.is_idle(0.1, now_s=1.0 + turn / 100) for turn in range(50))
    assert not readings(None).is_idle(0.1, now_s=1.0)
    assert cpu_seconds(sys.maxsize >> 33) is None


def test_real_seconds() -> None:
    """Given this process at work, Then its processor time grows."""
    before = cpu_seconds(os.getpid())
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    after = cpu_seconds(os.getpid())
    assert before is not None and after is not None and after - before >= 0.05
