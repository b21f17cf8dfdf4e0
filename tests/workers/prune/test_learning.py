"""Forecasts, rates, and which channels others can stand in for."""

import numpy as np
import pytest

from workers.prune.fine_tuning import END_GAIN, forecast, hopeless, schedule
from workers.prune.interpolation import pivots


def falling(power: float, first: float = 0.5) -> list[tuple[int, float]]:
    return [(step, first * step**-power) for step in (4, 8, 16, 32, 64)]


@pytest.mark.parametrize("power", [0.2, 0.5, 1.0])
def test_forecast_follows_a_power_of_the_steps(power: float) -> None:
    """Given errors that fall as a power of the steps, Then the forecast at the end is exact."""
    assert forecast(falling(power), 1000) == pytest.approx(0.5 * 1000**-power)


def test_forecast_needs_some_readings_and_never_rises() -> None:
    """Given three readings, Then nothing is foretold; given errors that grow, then the last one is."""
    assert forecast(falling(0.5)[:3], 1000) is None and not hopeless(falling(0.0)[:3], 1000, 1e-9)
    assert forecast([(step, 0.1 + step / 1000) for step in (1, 2, 3, 4)], 100) == pytest.approx(0.104)


def test_hopeless_only_far_above_the_limit() -> None:
    """Given a forecast, Then it is given up where even a good end is too far, and not where it is near."""
    expected = forecast(falling(0.3), 500)
    assert expected is not None
    assert hopeless(falling(0.3), 500, expected / END_GAIN * 0.9)
    assert not hopeless(falling(0.3), 500, expected / END_GAIN * 1.1)


def test_rate_rises_and_falls_to_nothing() -> None:
    rates = [schedule(progress) for progress in np.linspace(0, 1, 101)]
    assert 0 < rates[0] < 0.2 and max(rates) == pytest.approx(1, abs=0.01) and rates[-1] == pytest.approx(0)
    assert rates.index(max(rates)) == 10


def test_pivots_take_one_of_each_pair_first() -> None:
    """Given channels that are copies of others, Then each is taken once before any copy."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(400, 12)) * rng.uniform(0.5, 2, 12)
    both = np.concatenate([values, 0.7 * values], axis=1)
    order = pivots(both.T @ both)
    assert sorted(order) == list(range(24))
    assert sorted(order[:12] % 12) == list(range(12))
