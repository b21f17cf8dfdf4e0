"""Open the person's examples as they are before the model's preprocessing, so that changes imitate the real world.

Pictures are read again from the person's files. If these are gone (or were made by Fettle), pictures are drawn from the
prepared inputs. Texts are stored in `data.json`. Sounds and numbers are taken from the prepared inputs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.stress import StressParams
from workers.contracts.errors import InputRefused
from workers.evaluate.data.base import Entry, Options
from workers.evaluate.data.dataset import Item, Kind, read_dataset
from workers.evaluate.data.sniff import entries_at
from workers.evaluate.look.drawing import drawn
from workers.evaluate.stress.base import Floats, NumberSample, Takes
from workers.evaluate.stress.pixels import to_image
from workers.pipeline.images import to_pixels
from workers.pipeline.pipeline import Arrays, Pipeline
from workers.pipeline.prepared import Prepared
from workers.pipeline.spec import AudioSteps, ImageSteps, PipelineError, TextSteps

MAX_SPREAD_ITEMS = 500
MAX_SPREAD_NUMBERS = 1 << 26
"""Limit for all items together: 256 MB."""


@dataclass(frozen=True)
class SampledExamples:
    """One test item.

    Attributes:
        prepared: Prepared inputs of its part.
        index: Its position there.
        item: The item of the data set.
        kind: Kind of the data. Data that go into the model unchanged are arrays, even if the model takes pictures or
            sounds.
        steps: Labels of the time steps (m,).
        entry: The person's file, if there is one.
    """

    prepared: Prepared
    index: int
    item: Item
    kind: Kind
    steps: NDArray[np.int64] | None = None
    entry: Entry | None = None

    def feeds(self) -> Arrays:
        """Return the model inputs as they were prepared, copied because some runtimes reject read-only arrays."""
        return {name: np.array(value) for name, value in self.prepared[self.index].items()}


class PictureSamples:
    """Opens pictures as float32 (H, W, 1 or 3) in 0..1. The stress job owns one instance.

    A picture that is larger than what the model sees is first resized and cropped as in the model's preprocessing.
    ImageNet-C's severities are meant for that size, and no pixels are computed that are dropped later. A picture file
    must give exactly the prepared numbers. If it is gone or has changed, the picture is drawn from the prepared input,
    which is exact.
    """

    takes: Takes = "images"

    def __init__(self, pipeline: Pipeline, steps: ImageSteps) -> None:
        """Create the opener for a model's pipeline and its preprocessing."""
        self._pipeline, self._steps = pipeline, steps
        self._drawn: set[int] = set()
        self._fitted: set[int] = set()

    @property
    def redrawn(self) -> int:
        """Return how many pictures were drawn from the prepared input."""
        return len(self._drawn)

    def open(self, given: SampledExamples) -> Floats:
        """Return a picture as float32 (H, W, 1 or 3) in 0..1."""
        name = self._pipeline.main_input.name
        picture = self._read(given)
        if picture is not None:
            if self._is_large(picture):
                self._fitted.add(id(given))
                gray = self._steps.channels == "gray" or picture.mode == "L"
                picture = to_pixels(picture, replace(self._steps, channels="gray" if gray else "rgb"))[0]
            values = _in_units(picture)
            if np.array_equal(self.feeds(self._pipeline, given, values)[name], given.feeds()[name]):
                return values
        self._drawn.add(id(given))
        self._fitted.add(id(given))
        return _in_units(drawn(given.feeds()[name], self._steps))

    def _read(self, given: SampledExamples) -> Any:
        if given.entry is None:
            return None
        sample = given.entry.open()
        try:
            return self._pipeline.picture_of(sample)
        except PipelineError:
            return None

    def _is_large(self, picture: Any) -> bool:
        resize, crop = self._steps.resize, self._steps.crop
        if isinstance(resize, int):
            return bool(min(picture.size) >= resize)
        wanted = resize if resize is not None else (crop, crop) if isinstance(crop, int) else crop
        return wanted is not None and bool(picture.height >= wanted[0] and picture.width >= (wanted[1] or 1))

    def feeds(self, pipeline: Pipeline, given: SampledExamples, sample: Floats) -> Arrays:
        """Return the model inputs for a changed picture."""
        prepared = pipeline.prepare_picture(to_image(sample), sized=id(given) in self._fitted)
        return {**given.feeds(), pipeline.main_input.name: prepared}


def _in_units(picture: Any) -> Floats:
    """Return a picture of 8 bits as float32 (H, W, channels) in 0..1."""
    values = np.asarray(picture, np.float32) / np.float32(255)
    return values[:, :, None] if values.ndim == 2 else values


class TextSamples:
    """Opens texts as they are in the data."""

    takes: Takes = "texts"

    def open(self, given: SampledExamples) -> str:
        """Return the text of an item.

        Raises:
            PipelineError: If the text is not stored.
        """
        if given.item.text is None:
            raise PipelineError("The text of this example was not stored.")
        return given.item.text

    def feeds(self, pipeline: Pipeline, given: SampledExamples, sample: str) -> Arrays:
        """Return the model inputs for a changed text."""
        return pipeline.feeds_from(sample)


class SoundSamples:
    """Opens sounds as float32 (n,) in −1..1 at the model's rate: the new samples of all frames, one after the other."""

    takes: Takes = "audio"

    def __init__(self, pipeline: Pipeline, steps: AudioSteps) -> None:
        """Create the opener for a model's pipeline and its preprocessing."""
        self._name, self._steps = pipeline.main_input.name, steps

    def open(self, given: SampledExamples) -> Floats:
        """Return the samples of a sound, float32 (n,) in −1..1."""
        frames = given.feeds()[self._name]
        samples = np.ascontiguousarray(frames[..., self._steps.context_samples :], np.float32).ravel()
        return samples / np.float32(self._steps.scale)

    def feeds(self, pipeline: Pipeline, given: SampledExamples, sample: Floats) -> Arrays:
        """Return the model inputs for a changed sound."""
        return {**given.feeds(), pipeline.main_input.name: pipeline.prepare_sound(sample)}


class NumberSamples:
    """Opens the main input as a `NumberSample`; centers and spreads come from at most 500 items."""

    takes: Takes = "arrays"

    def __init__(self, pipeline: Pipeline, items: Sequence[SampledExamples]) -> None:
        """Create the opener, and compute center, spread and range from `items`."""
        self._name = pipeline.main_input.name
        shape = items[0].feeds()[self._name].shape
        most = min(MAX_SPREAD_ITEMS, max(1, MAX_SPREAD_NUMBERS // max(1, math.prod(shape))))
        rows = [given.feeds()[self._name].astype(np.float32) for given in items[:most]]
        alike = [row for row in rows if row.shape == shape and np.isfinite(row).all()]
        values = np.stack(alike) if alike else np.zeros((1, *shape), np.float32)
        if len(alike) < len(rows):  # Items of different lengths share one figure.
            flat = np.concatenate([row.ravel() for row in rows if row.size])
            flat = flat[np.isfinite(flat)]
            values = flat.reshape(-1, *(1 for _ in shape))
        self._center, self._spread = values.mean(axis=0), values.std(axis=0)
        self._low, self._high = values.min(axis=0), values.max(axis=0)

    def open(self, given: SampledExamples) -> NumberSample:
        """Return the numbers of an item with the figures of each feature."""
        return NumberSample(given.feeds()[self._name], self._center, self._spread, self._low, self._high)

    def feeds(self, pipeline: Pipeline, given: SampledExamples, sample: Any) -> Arrays:
        """Return the model inputs for changed numbers."""
        values = sample.values if isinstance(sample, NumberSample) else sample
        return {**given.feeds(), self._name: values}


Samples = PictureSamples | TextSamples | SoundSamples | NumberSamples
"""Opens items as samples that can be changed, and makes model inputs from them.

`open` raises `PipelineError` or `OSError` if the item is no longer readable.
"""


def read_items(params: StressParams, pipeline: Pipeline) -> list[SampledExamples]:
    """Return the selected items of all parts in their stored order, which is random (by digests of their contents)."""
    found: list[SampledExamples] = []
    options = Options(pipeline.spec, params.text_column, params.label_column)
    for part in params.parts:
        folder = Path(part.data_dir)
        data, prepared = read_dataset(folder), Prepared(folder / "test")
        entries = entries_at(part.source, options) if data.kind == "images" else {}
        numbers = range(len(data.test)) if part.items is None else part.items
        for i in numbers:
            steps = data.steps[i] if data.steps else None
            found.append(SampledExamples(prepared, i, data.test[i], data.kind, steps, entries.get(data.test[i].source)))
    if not found:
        raise InputRefused(
            "no_examples",
            "There are no examples to change",
            "Stress changes the test examples of a run, and this one has none.",
            "Optimize the model again with examples of your own.",
        )
    return found if params.max_items is None else found[: params.max_items]


def samples_for(pipeline: Pipeline, items: Sequence[SampledExamples]) -> Samples:
    """Return how items of this model are changed.

    Inputs other than pictures, texts and sounds are arrays of numbers.
    """
    steps = pipeline.spec.preprocess
    main = items[0].prepared[items[0].index].get(pipeline.main_input.name)
    kinds = {given.kind for given in items}
    if kinds == {"images"} and isinstance(steps, ImageSteps) and main is not None and main.ndim == 4:
        return PictureSamples(pipeline, steps)
    if isinstance(steps, TextSteps) and all(given.item.text is not None for given in items):
        return TextSamples()
    if kinds == {"audio"} and isinstance(steps, AudioSteps):
        return SoundSamples(pipeline, steps)
    return NumberSamples(pipeline, items)
