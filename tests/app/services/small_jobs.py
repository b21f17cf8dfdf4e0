"""Provide small jobs of the tests' own handlers, and a loop that drives a driver until a condition holds."""

import time
from collections.abc import Callable
from typing import Any

from app.services.flow.driver import Driver
from app.services.flow.steps import Flow, JobStep, StepResult
from workers.contracts.base import Frozen


class Values(Frozen):
    """Parameters and result of the small handlers."""

    values: dict[str, Any] = {}


def step(kind: str, values: dict[str, Any] | None = None, **more: Any) -> JobStep[Values]:
    return JobStep(kind=kind, params=Values(values=values or {}), result=Values, title=kind, **more)


def one(job: JobStep[Values]) -> Flow[StepResult[Values]]:
    done: StepResult[Values] = yield job
    return done


def until(driver: Driver[Any], condition: Callable[[], bool], timeout_s: float = 120.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        driver.tick()
        time.sleep(0.005)
