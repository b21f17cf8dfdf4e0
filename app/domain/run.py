"""A run: one optimization of one model for one goal, and its states."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import AwareDatetime

from app.domain.record import Stored


class RunState(StrEnum):
    """`interrupted` is the state of a run that was under way when the program was closed or killed."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    KEPT_ORIGINAL = "kept_original"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class Interruption(StrEnum):
    """How a run came to be interrupted."""

    CLOSED = "closed"
    """The program was closed in order while the run was under way; the end was recorded."""
    NOT_BEGUN = "not_begun"
    """The run waited for its turn when the program ended."""
    BROKEN_OFF = "broken_off"
    """The program ended without recording anything: it was killed, or the computer stopped."""


ALLOWED: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED, RunState.INTERRUPTED}),
    RunState.RUNNING: frozenset(set(RunState) - {RunState.QUEUED, RunState.RUNNING}),
    # more examples may change the verdict; with more time the search itself goes on
    RunState.FINISHED: frozenset({RunState.KEPT_ORIGINAL, RunState.RUNNING}),
    RunState.KEPT_ORIGINAL: frozenset({RunState.FINISHED, RunState.RUNNING}),
    RunState.FAILED: frozenset({RunState.RUNNING}),
    RunState.CANCELLED: frozenset({RunState.RUNNING}),
    RunState.INTERRUPTED: frozenset({RunState.RUNNING}),
}


class IllegalTransition(ValueError):
    """A run cannot go from one of these states to the other."""


def check_transition(old: RunState, new: RunState) -> RunState:
    """Return `new`, or raise `IllegalTransition`."""
    if new not in ALLOWED[old]:
        raise IllegalTransition(f"a run cannot go from {old} to {new}")
    return new


@dataclass(frozen=True)
class Goal(Stored):
    """What the person asked for. `max_loss_pct` is relative to the original's accuracy, in percent."""

    preset_id: str
    max_loss_pct: float
    time_budget_s: float | None = None
    seed: int = 0
    threads: int | None = None
    runtimes: tuple[str, ...] = ()
    recipe_json: str | None = None


@dataclass(frozen=True)
class Run(Stored):
    """`recommended_variant_id` is None while running and when nothing faster was safe."""

    id: str
    project_id: str
    goal: Goal
    state: RunState
    created_at: AwareDatetime
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    seconds: float | None = None
    baseline_variant_id: str | None = None
    recommended_variant_id: str | None = None
    headline: str = ""
    error_json: str | None = None
    plan_json: str | None = None
    data_key: str | None = None

    @property
    def interruption(self) -> Interruption | None:
        """How it was interrupted, None for every other state; only a program that closes in order records an end."""
        if self.state is not RunState.INTERRUPTED:
            return None
        if self.started_at is None:
            return Interruption.NOT_BEGUN
        return Interruption.BROKEN_OFF if self.finished_at is None else Interruption.CLOSED


@dataclass(frozen=True)
class StepRecord(Stored):
    """One step of a run as the window lists it. `state`: waiting, running, done, warning, failed, skipped."""

    run_id: str
    index: int
    title: str
    state: str
    detail: str = ""
    figure: str = ""
    started_s: float | None = None  # seconds since the run's start
    seconds: float | None = None
