"""Forecast from the first short steps of learning whether a limit can be met in the remaining time.

Errors fall about as a power of the number of steps (Deep Learning Scaling is Predictable, Empirically, arXiv
1712.00409), so a line through the logarithms of the last readings is extended to the end.
"""

import math
from collections.abc import Sequence

import numpy as np

FEWEST = 4
"""Number of readings needed for a forecast."""

END_GAIN = 10.0
"""Factor by which the last steps, at a falling rate, may improve on the line before learning is given up."""

SMALLEST = 1e-6


def forecast(readings: Sequence[tuple[int, float]], end: int) -> float | None:
    """Return the error expected after `end` steps; None where there are too few readings.

    `readings` are (steps, error). Where errors do not fall, the last error is returned.
    """
    if len(readings) < FEWEST:
        return None
    last = readings[-FEWEST:]
    steps = np.log([float(step) for step, _ in last])
    errors = np.log([max(error, SMALLEST) for _, error in last])
    slope = float(np.polyfit(steps, errors, 1)[0])
    ahead = math.log(max(end, last[-1][0])) - float(steps[-1])
    return math.exp(float(errors[-1]) + min(slope, 0.0) * ahead)


def hopeless(readings: Sequence[tuple[int, float]], end: int, allowed: float) -> bool:
    """Return whether even a good end would leave the error above `allowed`."""
    expected = forecast(readings, end)
    return expected is not None and expected / END_GAIN > allowed
