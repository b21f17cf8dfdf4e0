"""Drive a use case to its end, and return the error that a call raises."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from app.services.flow.driver import Driver
from app.services.flow.events import Observer, ignore
from app.services.flow.steps import Flow, JobError
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace

T = TypeVar("T")


def go(space: Workspace, flow: Flow[T], observe: Observer = ignore, cancel_at: str = "") -> T:
    """Return the flow's result; cancel when a job of the kind `cancel_at` begins."""
    driver = Driver(space, flow, observe)
    while cancel_at and driver.tick():
        if driver._step is not None and driver._step.kind == cancel_at:
            driver.cancel()
    return run_to_end(driver)


def refusal(call: Callable[..., Any], *args: Any, **more: Any) -> JobError:
    with pytest.raises(JobError) as raised:
        call(*args, **more)
    return raised.value


def codes(call: Callable[..., Any], *args: Any) -> tuple[str, int]:
    """Return the code and the exit code of the error."""
    refused = refusal(call, *args)
    return refused.error.code, refused.exit_code
