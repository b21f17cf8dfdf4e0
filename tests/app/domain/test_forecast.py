"""Forecasts of time and memory: what moves them, and what earlier runs teach."""

import pytest

from app.domain.forecast import Basis, Past, forecast, off_by, plain_bytes, plain_s

SMALL = Basis(size_bytes=14_000_000, n_test=144, ways=14, budget_s=90)


def test_more_of_anything_takes_longer() -> None:
    """Given a larger model, more tests, more ways or slower requests, then more time is expected, within the budget."""
    base = Basis(14_000_000, 144, 4)
    for changed in (
        Basis(90_000_000, 144, 4),
        Basis(14_000_000, 5000, 4),
        Basis(14_000_000, 144, 8),
        Basis(14_000_000, 144, 4, request_ms=300),
    ):
        assert forecast(changed).seconds > forecast(base).seconds
        assert forecast(changed).memory_bytes >= forecast(base).memory_bytes
    assert forecast(Basis(14_000_000, 5000, 20, budget_s=30)).high_s == 30


def test_what_the_original_needed_decides_the_memory() -> None:
    """Given that the original was measured, then its own peak counts, which large inputs make larger than its file; what
    making a version needs still counts where that is more."""
    small, hungry = (Basis(14_000_000, 144, 4, versions=6, request_ms=2, peak_bytes=peak) for peak in (10**7, 10**9))
    assert plain_bytes(hungry) > 3 * 10**9 > 10**9 > plain_bytes(small)
    large = Basis(200_000_000, 144, 4, versions=1, request_ms=2, peak_bytes=10**7)
    assert plain_bytes(large) > 5 * large.size_bytes


def test_bounds_hold_the_forecast() -> None:
    """Given any forecast, then it lies between its bounds."""
    found = forecast(SMALL)
    assert found.low_s < found.seconds <= found.high_s <= 90


def test_earlier_runs_move_it() -> None:
    """Given runs that took twice what was expected, then more is expected of the next, the more of them there are."""
    basis = Basis(14_000_000, 144, 4)
    plain, memory = plain_s(basis), plain_bytes(basis)
    past = [Past(plain, memory, 2 * plain, 2 * memory)]
    one, ten = forecast(basis, past), forecast(basis, past * 10)
    assert plain < one.seconds < ten.seconds < 2 * plain
    assert memory < one.memory_bytes < ten.memory_bytes < 2 * memory
    wild = [Past(plain, memory, 100 * plain, 100 * memory)] * 50
    assert forecast(basis, wild).seconds <= 3 * plain


def test_how_far_off() -> None:
    """Given a forecast and what came, then the error is a factor."""
    assert off_by(80, 40) == pytest.approx(2)
    assert off_by(20, 40) == pytest.approx(0.5)
