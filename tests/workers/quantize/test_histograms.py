"""Ranges for 8 bits from counted values."""

import numpy as np
import pytest

from workers.quantize.histograms import MOST_VALUES, Histogram


def histogram(*parts: np.ndarray) -> Histogram:
    found = Histogram()
    for part in parts:
        found.add(part)
    return found


def rounded(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """What 8 bits over low … high make of values."""
    scale = (high - low) / 255
    return np.round((np.clip(values, low, high) - low) / scale) * scale + low


def test_whole_holds_the_extremes_of_all_values() -> None:
    """Given more values than are counted, and a range that grows, Then the extremes are exact and no count is lost."""
    large = np.zeros(3 * MOST_VALUES, np.float32)
    large[1] = 9
    found = histogram(np.array([-1.0, 0.5], np.float32), large, np.array([-70.0], np.float32))
    assert found.whole() == (-70, 9)
    assert found.counts.sum() == 2 + MOST_VALUES + 1
    assert Histogram().whole() == (0, 0)


@pytest.mark.parametrize("symmetric", [True, False])
def test_least_error_is_below_that_of_the_whole_range(symmetric: bool) -> None:
    """Given many values near zero and one far away, Then cutting that one costs less than rounding the others."""
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.normal(0, 1, 200_000), [40.0]]).astype(np.float32)
    low, high = histogram(values).least_error(symmetric)
    assert high < 35 and (not symmetric or low == -high)
    whole = (-40.0, 40.0) if symmetric else histogram(values).whole()
    errors = [float(((values - rounded(values, *ends)) ** 2).mean()) for ends in ((low, high), whole)]
    assert errors[0] < errors[1]


def test_values_of_one_side_keep_zero_in_their_range() -> None:
    low, high = histogram(np.full(100, 5.0, np.float32)).least_error()
    assert low <= 0 < high
