"""Define a run, which is one optimization of one model for one goal, and its states."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from app.domain.record import FileName, Moment, Stored
from workers.contracts.text import Text

StepState = Literal["waiting", "running", "done", "warning", "failed", "skipped"]


class RunState(StrEnum):
    """State of a run; `interrupted` means that the program was closed or killed while the run was active."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    KEPT_ORIGINAL = "kept_original"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class Interruption(StrEnum):
    """How a run was interrupted."""

    CLOSED = "closed"
    """The program was closed properly during the run, and the end was recorded."""
    NOT_BEGUN = "not_begun"
    """The run still waited for its turn when the program ended."""
    BROKEN_OFF = "broken_off"
    """The program ended without recording anything: it was killed, or the computer stopped."""


WITH_RESULT = (RunState.FINISHED, RunState.KEPT_ORIGINAL)
UNDER_WAY = (RunState.QUEUED, RunState.RUNNING)

ALLOWED: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED, RunState.INTERRUPTED}),
    RunState.RUNNING: frozenset(set(RunState) - {RunState.QUEUED, RunState.RUNNING}),
    # more examples may change the verdict; more time continues the search
    RunState.FINISHED: frozenset({RunState.KEPT_ORIGINAL, RunState.RUNNING}),
    RunState.KEPT_ORIGINAL: frozenset({RunState.FINISHED, RunState.RUNNING}),
    RunState.FAILED: frozenset({RunState.RUNNING}),
    RunState.CANCELLED: frozenset({RunState.RUNNING}),
    RunState.INTERRUPTED: frozenset({RunState.RUNNING}),
}


class IllegalTransition(ValueError):
    """The states of a run do not permit this change."""


def check_transition(old: RunState, new: RunState) -> RunState:
    """Return `new`, or raise `IllegalTransition` if the change is not permitted."""
    if new not in ALLOWED[old]:
        raise IllegalTransition(f"a run cannot go from {old} to {new}")
    return new


@dataclass(frozen=True)
class Goal(Stored):
    """What the person requested; `max_loss_pct` is relative to the original's accuracy, in percent.

    Versions are measured on `computer`, the name of another computer; "" means this one.
    """

    preset_id: str
    max_loss_pct: float
    time_budget_s: float | None = None
    seed: int = 0
    threads: int | None = None
    runtimes: tuple[str, ...] = ()
    recipe_json: str | None = None
    computer: str = ""


@dataclass(frozen=True)
class Run(Stored):
    """One optimization of a project, owned by the database.

    `recommended_variant_id` is None while it runs, and if nothing faster was safe.
    """

    id: FileName
    project_id: str
    goal: Goal
    state: RunState
    created_at: Moment
    started_at: Moment | None = None
    finished_at: Moment | None = None
    seconds: float | None = None
    baseline_variant_id: str | None = None
    recommended_variant_id: str | None = None
    headline: Text = ""
    error_json: str | None = None
    plan_json: str | None = None
    data_key: FileName | None = None

    @property
    def interruption(self) -> Interruption | None:
        """Return how it was interrupted, None in other states; only a properly closed program records an end."""
        if self.state is not RunState.INTERRUPTED:
            return None
        if self.started_at is None:
            return Interruption.NOT_BEGUN
        return Interruption.BROKEN_OFF if self.finished_at is None else Interruption.CLOSED


@dataclass(frozen=True)
class StepRecord(Stored):
    """One step of a run as the window lists it.

    `variant_index` is the index of the version that the step makes or, of the original, measures; None for other steps.
    """

    run_id: str
    index: int
    title: Text
    state: StepState
    detail: Text = ""
    figure: Text = ""
    started_s: float | None = None  # seconds since the run's start
    seconds: float | None = None
    variant_index: int | None = None

    @property
    def is_begun(self) -> bool:
        """Return whether its work was begun."""
        return self.state not in ("waiting", "skipped")
