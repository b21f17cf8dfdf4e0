"""The states of a run."""

import pytest

from app.domain.run import ALLOWED, IllegalTransition, RunState, check_transition


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
