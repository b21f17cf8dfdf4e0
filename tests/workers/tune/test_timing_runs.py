"""Turns of several programs: those in which one of them was delayed say nothing of whole requests."""

from workers.tune.timing_runs import Profile, calm


def profile(*request_ms: float) -> Profile:
    return Profile(layers=(), request_ms=request_ms, outside_ms=tuple(ms / 10 for ms in request_ms))


def test_calm_leaves_out_turns_in_which_one_program_was_delayed() -> None:
    """Given turns with whole time slices of waiting, When they are left out, Then both keep the same other turns."""
    first, second = calm([profile(20, 2, 2, 8, 2, 2, 2), profile(1, 1, 1, 1, 9, 1, 1.2)])
    assert first.request_ms == (2, 2, 2, 2) and second.request_ms == (1, 1, 1, 1.2)
    assert first.outside_ms == (0.2, 0.2, 0.2, 0.2)


def test_calm_keeps_nothing_of_too_few_turns() -> None:
    """Given mostly delayed turns, When they are left out, Then nothing is known of whole requests."""
    first, second = calm([profile(2, 8, 2, 8, 2, 8), profile(1, 1, 1, 1, 1, 1)])
    assert first.request_ms == second.request_ms == first.outside_ms == ()
