"""Drive a flow to its end without a window."""

import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import TypeVar, cast

from app.services.flow.background import do_nothing
from app.services.flow.driver import Driver

T = TypeVar("T")

TIMING_PAUSE_S = 0.05
"""Seconds per wait while requests are timed; the loop only has to notice that they ended or hang."""


def run_to_end(driver: Driver[T], pause_s: float = 0.01, meanwhile: Callable[[], None] = do_nothing) -> T:
    """Drive a flow to its end, raise what it raised, and end all processes if the caller is interrupted."""
    try:
        while driver.tick():
            meanwhile()
            if waitables := driver.waitables:
                wait(waitables, TIMING_PAUSE_S)
            else:
                time.sleep(pause_s)
    finally:
        if not driver.finished:
            driver.interrupt()
        driver.holding.end()
    if driver.error is not None:
        raise driver.error
    return cast(T, driver.result)  # None only if that is the flow's result
