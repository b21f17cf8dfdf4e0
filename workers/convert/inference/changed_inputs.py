"""Create changed copies of calibration inputs, which show how predictions behave between two classes.

Copies of one input form a cluster with it and never count as independent examples (docs/evaluation.md).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.infer.base import Arrays
from workers.pipeline.spec import PipelineSpec

CHANGED_SOURCES = ("image", "array", "audio", "input_ids")
KINDS = 4


def changed_copy(
    items: Sequence[Mapping[str, NDArray[Any]]], index: int, number: int, spec: PipelineSpec, seed: int
) -> Arrays:
    """Return copy `number` of item `index`; each number changes differently, and the same seed gives the same copy.

    The changes in turn: mixed with another item, brighter or darker, noisy, shifted. In whole numbers (tokens, bytes)
    some are replaced by those of another item at the same place. Masks, states and constants stay unchanged.
    """
    rng = np.random.default_rng((seed, index, number))
    names = [entry.name for entry in spec.inputs if entry.source in CHANGED_SOURCES and entry.name in items[index]]
    other = items[int(rng.integers(len(items)))]
    return {
        name: _change(array, other.get(name, array), (index + number) % KINDS, rng) if name in names else array
        for name, array in items[index].items()
    }


def _change(array: NDArray[Any], other: NDArray[Any], kind: int, rng: np.random.Generator) -> NDArray[Any]:
    if array.dtype.kind in "iu":
        return _replaced(array, other, rng)
    if array.dtype.kind != "f":
        return array
    values: NDArray[Any] = array.astype(np.float32)
    if kind == 0 and other.shape == array.shape:
        share = rng.uniform(0.5, 0.9)
        values = share * values + (1 - share) * other.astype(np.float32)
    elif kind == 1:
        mean = values.mean()
        values = (values - mean) * rng.uniform(0.75, 1.25) + mean + rng.normal(0, 0.15) * values.std()
    elif kind == 3 and array.ndim >= 3:
        axes = tuple(axis for axis in range(1, array.ndim) if array.shape[axis] > 8)
        shift = tuple(int(rng.integers(-array.shape[axis] // 8, array.shape[axis] // 8 + 1)) for axis in axes)
        values = np.roll(values, shift, axes)
    else:
        values = values + rng.normal(0, 0.1 * float(values.std()) + 1e-9, values.shape)
    return values.astype(array.dtype)


def _replaced(array: NDArray[Any], other: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Replace 5 to 25 % of the places by those of the other item; the first and the last place stay."""
    mixed = array.copy()
    flat, source = mixed.reshape(-1), other.reshape(-1)
    places = np.flatnonzero(rng.random(min(flat.size, source.size)) < rng.uniform(0.05, 0.25))
    places = places[(places > 0) & (places < flat.size - 1)]
    flat[places] = source[places]
    return mixed
