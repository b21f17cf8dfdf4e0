"""The states of a run."""

from datetime import UTC, datetime

import pytest

from app.domain.run import ALLOWED, Goal, IllegalTransition, Interruption, Run, RunState, check_transition

AT = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_finished_run_stays_finished() -> None:
    """Given a finished run, then only its verdict may turn, or it goes on; everything else is refused."""
    for state in set(RunState) - {RunState.KEPT_ORIGINAL, RunState.RUNNING}:
        with pytest.raises(IllegalTransition):
            check_transition(RunState.FINISHED, state)
    for state in set(RunState) - {RunState.FINISHED, RunState.RUNNING}:
        with pytest.raises(IllegalTransition):
            check_transition(RunState.KEPT_ORIGINAL, state)


def test_more_examples_may_turn_the_verdict() -> None:
    """Given a run that is over, when more examples say otherwise, then it may recommend, or no longer."""
    assert check_transition(RunState.FINISHED, RunState.KEPT_ORIGINAL) is RunState.KEPT_ORIGINAL
    assert check_transition(RunState.KEPT_ORIGINAL, RunState.FINISHED) is RunState.FINISHED


@pytest.mark.parametrize("state", [RunState.INTERRUPTED, RunState.CANCELLED, RunState.FAILED])
def test_what_stopped_can_go_on(state: RunState) -> None:
    """Given an interrupted, cancelled or failed run, when it is resumed, then it runs."""
    assert check_transition(state, RunState.RUNNING) is RunState.RUNNING


def test_every_state_has_its_rule() -> None:
    """Given all states, then each says where it may go."""
    assert set(ALLOWED) == set(RunState)


@pytest.mark.parametrize(
    ("state", "started_at", "finished_at", "expected"),
    [
        (RunState.INTERRUPTED, AT, AT, Interruption.CLOSED),
        (RunState.INTERRUPTED, AT, None, Interruption.BROKEN_OFF),
        (RunState.INTERRUPTED, None, None, Interruption.NOT_BEGUN),
        (RunState.CANCELLED, AT, AT, None),
        (RunState.RUNNING, AT, None, None),
    ],
)
def test_interruption_follows_from_the_recorded_times(
    state: RunState, started_at: datetime | None, finished_at: datetime | None, expected: Interruption | None
) -> None:
    """Given the recorded times of a run, Then it is known whether the program closed in order or was killed."""
    run = Run("r1", "p1", Goal("balanced", 1.0), state, AT, started_at, finished_at)
    assert run.interruption is expected
