"""Whether a limit can be met in the time that is left, told from the first short steps of learning.

Errors fall about as a power of the steps taken (Deep Learning Scaling is Predictable, Empirically, arXiv 1712.00409),
so a line through the logarithms of the last readings is drawn on to the end.
"""

import math
from collections.abc import Sequence

import numpy as np

FEWEST = 4
"""Readings before anything is foretold."""

END_GAIN = 10.0
"""The last steps, at a falling rate, gain more than the line says; so much is granted before a course is given up."""

SMALLEST = 1e-6


def forecast(readings: Sequence[tuple[int, float]], end: int) -> float | None:
    """The error expected after `end` steps from (steps, error) readings; None where there are too few.

    Where errors do not fall, it is the last one.
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
    """Whether even a good end would leave the error above `allowed`."""
    expected = forecast(readings, end)
    return expected is not None and expected / END_GAIN > allowed
