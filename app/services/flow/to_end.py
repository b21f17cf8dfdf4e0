"""Drive a flow to its end without a window."""

import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from typing import Any, TypeVar, cast

from app.services.flow.background import do_nothing
from app.services.flow.driver import Driver

T = TypeVar("T")

PAUSE_S = 0.01
WAIT_S = 0.05
"""Most seconds of a wait that messages and ends of worker processes interrupt; limits are checked in between."""


def pause(drivers: Sequence[Driver[Any]], most_s: float = WAIT_S) -> None:
    """Wait until a worker process of a driver has a message, or a moment if a driver waits for something else."""
    waitables = [driver.waitables for driver in drivers]
    if waitables and all(waitables):
        wait([handle for handles in waitables for handle in handles], most_s)
    else:
        time.sleep(PAUSE_S)


def run_to_end(driver: Driver[T], meanwhile: Callable[[], None] = do_nothing) -> T:
    """Drive a flow to its end, raise what it raised, and end all processes if the caller is interrupted."""
    try:
        while driver.tick():
            meanwhile()
            pause([driver])
    finally:
        if not driver.finished:
            driver.interrupt()
        driver.holding.end()
    if driver.error is not None:
        raise driver.error
    return cast(T, driver.result)  # None only if that is the flow's result
