"""Drives a flow to its end where no window does."""

import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import TypeVar, cast

from app.services.flow.disk_work import do_nothing
from app.services.flow.driver import Driver

T = TypeVar("T")

TIMING_PAUSE_S = 0.05
"""While requests are timed there is nothing to do but to see their end, or that they hang."""


def run_to_end(driver: Driver[T], pause_s: float = 0.01, meanwhile: Callable[[], None] = do_nothing) -> T:
    """Drive without a window. Raises what the flow raised; ends every process when it is broken off."""
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
    return cast(T, driver.result)  # which is None only where that is what the flow gives
