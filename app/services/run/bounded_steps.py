"""Bound the time of each step of a flow, and count what the cache saved."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

from app.services.flow.measuring import NO_TIME
from app.services.flow.steps import AnyStep, DiskStep, Flow, JobError, Measured, MeasureStep, StepResult, T

MIN_STEP_S = 0.3
"""Shortest useful time of a step in seconds; no step begins with less."""


def within(flow: Flow[T], left_s: Callable[[], float | None]) -> Flow[T]:
    """Run `flow` and bound each of its steps by the seconds that are left when the step begins."""
    return each(flow, lambda step: bounded(step, left_s()), lambda answer: None)


def counting(
    flow: Flow[T], note_saved: Callable[[float], None], counts: Callable[[StepResult[Any]], bool] = lambda done: True
) -> Flow[T]:
    """Run `flow` and pass `record_cached` the original duration of each step whose result comes from the cache."""

    def note(answer: Any) -> None:
        if isinstance(answer, StepResult) and answer.cached:
            note_saved(answer.made_s if counts(answer) else 0.0)
        elif isinstance(answer, Measured) and answer.measured_at is not None:
            note_saved(answer.seconds)

    return each(flow, lambda step: step, note)


def each(flow: Flow[T], ask: Callable[[AnyStep], AnyStep], answered: Callable[[Any], None]) -> Flow[T]:
    """Run `flow` with every step changed by `ask`, and pass each result to `answered`."""
    answer: Any = None
    error: BaseException | None = None
    while True:
        try:
            step = flow.send(answer) if error is None else flow.throw(error)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        answer = error = None
        try:
            answer = yield ask(step)
        except GeneratorExit:
            flow.close()
            raise
        except Exception as thrown:
            error = thrown
        else:
            answered(answer)


def bounded(step: AnyStep, left_s: float | None) -> AnyStep:
    """Return the step with a time limit; raise `JobError` if no time is left to begin it."""
    if left_s is None or isinstance(step, DiskStep):
        return step
    if left_s < MIN_STEP_S:
        raise JobError(NO_TIME, 1)
    if isinstance(step, MeasureStep):
        return dataclasses.replace(step, until_s=time.monotonic() + left_s)
    return dataclasses.replace(step, limits=step.limits.model_copy(update={"wall_s": left_s}))
