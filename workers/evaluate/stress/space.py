"""Where an attack moves: pictures and arrays of numbers as (n, C, H, W) in 0..1, and back into model inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.stress.base import Floats
from workers.evaluate.stress.pixels import clipped
from workers.evaluate.stress.samples import Given, NumberSamples, PictureSamples, Samples
from workers.pipeline.pipeline import Arrays, Pipeline
from workers.pipeline.spec import ImageSteps


@dataclass(frozen=True)
class Space:
    """`scale` and `shift` lead from 0..1 to what the model gets; `last` says that channels come last there."""

    name: str
    scale: Floats
    shift: Floats
    last: bool
    flat: bool
    dtype: np.dtype[Any]

    def unit(self, values: NDArray[Any]) -> Floats:
        """One prepared main input (1, …) as (C, H, W) in 0..1."""
        one = np.asarray(values, np.float32)[0]
        one = (one - self.shift) / self.scale
        if self.flat:
            return clipped(one.reshape(1, 1, -1))
        return clipped(one.transpose(2, 0, 1) if self.last else one)

    def model_input(self, unit: Floats, shape: tuple[int, ...]) -> NDArray[Any]:
        """(C, H, W) back into the main input's shape (1, …)."""
        one = unit.reshape(shape[1:]) if self.flat else unit.transpose(1, 2, 0) if self.last else unit
        return np.asarray(one * self.scale + self.shift, self.dtype).reshape(shape)


def space_of(pipeline: Pipeline, samples: Samples, first: Given) -> Space | None:
    """None for texts, sounds and whole numbers: an attack by small steps says nothing there."""
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
    """Model inputs of changed units of some items."""

    def __init__(self, space: Space, items: Sequence[Given]) -> None:
        self._space = space
        self._feeds = [given.feeds() for given in items]

    def units(self) -> Floats:
        """(n, C, H, W)."""
        return np.stack([self._space.unit(feeds[self._space.name]) for feeds in self._feeds]).astype(np.float32)

    def feeds(self, units: Floats, rows: NDArray[np.intp]) -> list[Arrays]:
        """One request's inputs for each of `rows`."""
        name = self._space.name
        return [
            {**self._feeds[row], name: self._space.model_input(unit, self._feeds[row][name].shape)}
            for unit, row in zip(units, rows.tolist(), strict=True)
        ]
