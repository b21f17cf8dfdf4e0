"""Estimate the error that rounding explains in one operator, from how small changes of its inputs move its output."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from workers.explain.agreement import HIDDEN

COARSEST = ("int4", "int8", "bf16", "f16", "f32")
"""Number types, the one that rounds most first."""

AS_COARSE = {"u4": "int4", "nf4": "int4", "u8": "int8"}

STEP = 2.0**-8
"""Largest relative change of each number of an input, where the model does not round to 8 bits."""

UNITS = {"f32": 2.0**-20, "f16": 2.0**-11, "bf16": 2.0**-8}
"""Largest relative rounding of a number; for 32 bits with the sums of another order of addition."""

WEIGHTS = {"int8": 0.01, "int4": 0.12}
"""Relative error of weights with a scale for each channel or group."""

SAMPLED = 1 << 16
"""Number of weights that are looked at."""

SMALLEST = 2.5e-5
"""Relative error of an operator that is always explained: engines approximate exp, erf and others."""

GAIN, WORST_GAIN = 0.006, 0.1
"""Deviation from a gain of 1 that clipping and weights in 8 bits explain: over all channels, and in the worst one."""

LIMIT = 4.0
"""A difference exceeds rounding if it is this many times as large as the estimate."""


def coarsest(kinds: Iterable[str]) -> str:
    """Return the number type that rounds most; "" where none of `COARSEST` is there."""
    known = {AS_COARSE.get(kind, kind) for kind in kinds}
    return next((kind for kind in COARSEST if kind in known), "")


def of_steps(numbers: NDArray[np.integer]) -> float:
    """Return the relative error of weights that are stored as these whole numbers; 0 where all are equal (zeros)."""
    spread = float(numbers.reshape(-1)[:: max(1, numbers.size // SAMPLED)].std()) if numbers.size else 0.0
    return float(12**-0.5 / spread) if spread > 0 else 0.0


def changed(values: NDArray[np.floating], in_steps: bool, rng: np.random.Generator) -> NDArray[np.floating]:
    """Return numbers with a change as that of rounding.

    Args:
        values: numbers of any shape.
        in_steps: round as 8 bits for the whole range do; else change each number by at most `STEP` of its size.
        rng: random numbers.
    """
    if values.dtype.kind != "f" or not values.size:
        return values
    noise = rng.random(values.shape, np.float32) * 2 - 1
    plain = np.isfinite(values) & (np.abs(values) < -HIDDEN)
    if in_steps:
        numbers = values[plain]
        noise *= np.float32((max(numbers.max(initial=0), 0) - min(numbers.min(initial=0), 0)) / 255 / 2)
    else:
        noise *= np.where(plain, values, 0) * np.float32(STEP)
    return np.where(plain, values + noise, values).astype(values.dtype)


def explained(rounds_to: str, weight_error: float, moved: float, in_steps: bool) -> float:
    """Return the relative error of an operator's output that rounding explains.

    Args:
        rounds_to: number type to which its inputs, weights or output are rounded.
        weight_error: relative error of weights in whole numbers, as far as it is known.
        moved: relative change of its output when its inputs are `changed`.
        in_steps: as for `changed`.
    """
    if rounds_to in WEIGHTS:
        return float(np.hypot(moved, max(WEIGHTS[rounds_to], weight_error)))
    unit = UNITS.get(rounds_to, UNITS["f32"])
    answer = moved / (WEIGHTS["int8"] if in_steps else STEP)  # inputs and weights are both rounded
    return max(SMALLEST, unit * float(np.hypot(1.5 * answer, 0.6)))


def excess_of_gains(rounds_to: str, weight_error: float, apart: tuple[float, float, float, float]) -> float:
    """Return how far the gains of an operator's channels are from 1, relative to what rounding of steps explains.

    Args:
        rounds_to: as for `explained`; 0 is returned where it is not a type of `WEIGHTS`.
        weight_error: as for `explained`.
        apart: result of `agreement.Gains.apart`.
    """
    if rounds_to not in WEIGHTS:
        return 0.0
    error, noise, worst, noise_of_worst = apart
    weights = max(WEIGHTS[rounds_to], weight_error)
    return max(error / (GAIN + noise + weights / 4), worst / (WORST_GAIN + 4 * noise_of_worst + weights))
