"""Where an attack moves: pictures and arrays of numbers as (n, C, H, W) in 0..1, and back into model inputs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.stress.base import Floats
from workers.evaluate.stress.pixels import clipped
from workers.evaluate.stress.samples import Given, NumberSamples, PictureSamples, Samples
from workers.evaluate.stress.versions import Version
from workers.pipeline.pipeline import Arrays, Pipeline
from workers.pipeline.spec import ImageSteps


@dataclass(frozen=True)
class Space:
    """`scale` and `shift` lead from 0..1 to what the model gets; `last` says that channels come last there, `flip` that
    they stand the other way round than in the units, `flat` that it is an array of numbers."""

    name: str
    scale: Floats
    shift: Floats
    last: bool
    flat: bool
    dtype: np.dtype[Any]
    flip: bool = False

    def unit(self, values: NDArray[Any]) -> Floats:
        """One prepared main input (1, …) as (C, H, W) in 0..1."""
        one = np.asarray(values, np.float32)[0]
        one = (one - self.shift) / self.scale
        if self.flat:
            return clipped(one.reshape(1, 1, -1))
        return clipped(one.transpose(2, 0, 1) if self.last else one)

    def model_input(self, unit: Floats, shape: tuple[int, ...]) -> NDArray[Any]:
        """(C, H, W) as the main input (1, …); `shape` is that of an array of numbers. Whole numbers are rounded."""
        one = unit[::-1] if self.flip else unit
        one = one.reshape(shape[1:]) if self.flat else one.transpose(1, 2, 0) if self.last else one
        values = one * self.scale + self.shift
        return np.ascontiguousarray(np.round(values) if self.dtype.kind == "u" else values, self.dtype)[None]

    def tensor(self, unit: Any, shape: tuple[int, ...]) -> Any:
        """The same of torch's tensors, in 32 bits and without rounding, so that gradients flow."""
        import torch

        one = unit.flip(0) if self.flip else unit
        one = one.reshape(shape[1:]) if self.flat else one.permute(1, 2, 0) if self.last else one
        return (one * torch.from_numpy(np.array(self.scale)) + torch.from_numpy(np.array(self.shift)))[None]


def spaces_of(old: Version, new: Version, samples: Samples, first: Given) -> tuple[Space, Space] | None:
    """Where the original and the optimized one are attacked, with the same units: a version that takes pixels gets them
    as pixels. None for texts, sounds and whole numbers, where an attack by small steps says nothing, and for versions
    whose pictures are prepared otherwise."""
    space = _space_of(old.pipeline, samples, first)
    if space is None:
        return None
    before, after = old.pipeline.spec.preprocess, new.pipeline.spec.preprocess
    if before == after:
        return space, replace(space, name=new.pipeline.main_input.name)
    if isinstance(before, ImageSteps) and isinstance(after, ImageSteps) and before == replace(after, pixels=False):
        top, nothing = np.full((1, 1, 1), 255, np.float32), np.zeros((1, 1, 1), np.float32)
        flip = before.channels == "bgr"
        return space, Space(new.pipeline.main_input.name, top, nothing, True, False, np.dtype(np.uint8), flip)
    return None


def _space_of(pipeline: Pipeline, samples: Samples, first: Given) -> Space | None:
    entry = pipeline.main_input
    dtype = np.dtype(entry.dtype)
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
    """Model inputs of changed units of some items, for the version that `space` is of; `given_in` is the space of the
    inputs as they were prepared (the original's)."""

    def __init__(self, space: Space, given_in: Space, items: Sequence[Given]) -> None:
        self.space, self._given_in = space, given_in
        self._feeds = [given.feeds() for given in items]

    def units(self) -> Floats:
        """(n, C, H, W)."""
        return np.stack([self._given_in.unit(feeds[self._given_in.name]) for feeds in self._feeds]).astype(np.float32)

    def shape(self, row: int) -> tuple[int, ...]:
        """Of the prepared main input."""
        return self._feeds[row][self._given_in.name].shape

    def others(self, row: int) -> Arrays:
        """All inputs of an item as they were prepared."""
        return self._feeds[row]

    def feeds(self, units: Floats, rows: NDArray[np.intp]) -> list[Arrays]:
        """One request's inputs for each of `rows`."""
        return [
            {**self._feeds[row], self.space.name: self.space.model_input(unit, self.shape(row))}
            for unit, row in zip(units, rows.tolist(), strict=True)
        ]
