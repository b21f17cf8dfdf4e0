"""Convert model inputs to the space in which attacks move, (n, C, H, W) in 0..1, and back.

Pictures and arrays of numbers can be converted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.stress.base import Floats
from workers.evaluate.stress.pixels import clipped
from workers.evaluate.stress.samples import NumberSamples, PictureSamples, SampledExamples, Samples
from workers.evaluate.stress.versions import Comparison
from workers.pipeline.arrays import dtype_of
from workers.pipeline.pipeline import Arrays, Pipeline
from workers.pipeline.spec import ImageSteps


@dataclass(frozen=True)
class Space:
    """The conversion between units in 0..1 and the main input of one version.

    Attributes:
        name: Name of the main input.
        scale: Factor from units to the values that the model receives.
        shift: Offset from units to these values.
        last: Whether channels are the last axis of the model input.
        flat: Whether the input is an array of numbers.
        dtype: Type of the model input.
        flip: Whether the model's channels have the reverse order of the units.
    """

    name: str
    scale: Floats
    shift: Floats
    last: bool
    flat: bool
    dtype: np.dtype[Any]
    flip: bool = False

    def unit(self, values: NDArray[Any]) -> Floats:
        """Return one prepared main input (1, …) as (C, H, W) in 0..1."""
        one = np.asarray(values, np.float32)[0]
        one = (one - self.shift) / self.scale
        if self.flat:
            return clipped(one.reshape(1, 1, -1))
        return clipped(one.transpose(2, 0, 1) if self.last else one)

    def model_input(self, unit: Floats, shape: tuple[int, ...]) -> NDArray[Any]:
        """Return (C, H, W) as the main input (1, …). Integers are rounded.

        `shape` is the shape of the model input, used for arrays of numbers.
        """
        one = unit[::-1] if self.flip else unit
        one = one.reshape(shape[1:]) if self.flat else one.transpose(1, 2, 0) if self.last else one
        values = one * self.scale + self.shift
        return np.ascontiguousarray(np.round(values) if self.dtype.kind == "u" else values, self.dtype)[None]

    def tensor(self, unit: Any, shape: tuple[int, ...]) -> Any:
        """Return the main input as torch's tensor, in 32 bits and without rounding, so that gradients flow."""
        import torch

        one = unit.flip(0) if self.flip else unit
        one = one.reshape(shape[1:]) if self.flat else one.permute(1, 2, 0) if self.last else one
        return (one * torch.from_numpy(np.array(self.scale)) + torch.from_numpy(np.array(self.shift)))[None]


def spaces_of(both: Comparison, first: SampledExamples) -> tuple[Space, Space] | None:
    """Return the spaces of the original and the optimized version, with the same units.

    A version that takes pixels gets pixels. Returns None for texts, sounds and integers, where small steps are
    meaningless, and for versions that prepare pictures differently.
    """
    space = _space_of(both.old.pipeline, both.samples, first)
    if space is None:
        return None
    before, after = (version.pipeline.spec.preprocess for version in both.versions)
    name = both.new.pipeline.main_input.name
    if before == after:
        return space, replace(space, name=name)
    if isinstance(before, ImageSteps) and isinstance(after, ImageSteps) and before == replace(after, pixels=False):
        top, nothing = np.full((1, 1, 1), 255, np.float32), np.zeros((1, 1, 1), np.float32)
        flip = before.channels == "bgr"
        return space, Space(name, top, nothing, True, False, np.dtype(np.uint8), flip)
    return None


def _space_of(pipeline: Pipeline, samples: Samples, first: SampledExamples) -> Space | None:
    entry = pipeline.main_input
    dtype = dtype_of(entry)
    if dtype.kind != "f" or pipeline.stateful:
        return None
    if isinstance(samples, PictureSamples):
        steps = pipeline.spec.preprocess
        assert isinstance(steps, ImageSteps)
        top = np.float32(1 if steps.range == "0..1" else 255)
        std, mean = np.asarray(steps.std, np.float32), np.asarray(steps.mean, np.float32)
        shape = (1, 1, -1) if steps.layout == "nhwc" else (-1, 1, 1)
        return Space(
            entry.name, (top / std).reshape(shape), (-mean / std).reshape(shape), steps.layout == "nhwc", False, dtype
        )
    if isinstance(samples, NumberSamples):
        row = samples.open(first)
        if row.low.shape != row.values.shape or row.values.shape[0] != 1:
            return None
        width = np.maximum(row.high - row.low, 1e-6)[0]
        return Space(entry.name, width, row.low[0], False, True, dtype)
    return None


class Batches:
    """Model inputs made from changed units of some items, for one version."""

    def __init__(self, space: Space, given_in: Space, items: Sequence[SampledExamples]) -> None:
        """Create batches of `items` for the version of `space`.

        `given_in` is the space of the inputs as they were prepared, which is the original's.
        """
        self.space, self._given_in = space, given_in
        self._feeds = [given.feeds() for given in items]

    def units(self) -> Floats:
        """Return the units of all items, (n, C, H, W)."""
        return np.stack([self._given_in.unit(feeds[self._given_in.name]) for feeds in self._feeds]).astype(np.float32)

    def shape(self, row: int) -> tuple[int, ...]:
        """Return the shape of the prepared main input of an item."""
        return self._feeds[row][self._given_in.name].shape

    def others(self, row: int) -> Arrays:
        """Return all inputs of an item as they were prepared."""
        return self._feeds[row]

    def feeds(self, units: Floats, rows: NDArray[np.intp]) -> list[Arrays]:
        """Return the model inputs for the changed `units` of each of `rows`."""
        return [
            {**self._feeds[row], self.space.name: self.space.model_input(unit, self.shape(row))}
            for unit, row in zip(units, rows.tolist(), strict=True)
        ]
