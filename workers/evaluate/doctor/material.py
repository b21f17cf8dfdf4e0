"""Open some examples once, with their labels, for the doctor."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workers.contracts.data.doctor import DoctorParams
from workers.contracts.paths import from_text
from workers.contracts.process.context import JobContext, in_steps
from workers.contracts.translation import mark
from workers.evaluate.data.base import Collection, Entry, Options, Sample, digest
from workers.evaluate.data.dataset import Kind
from workers.evaluate.data.edits import edited
from workers.evaluate.data.sniff import read_collection
from workers.evaluate.data.split import choose
from workers.evaluate.data.store import group_of
from workers.evaluate.data.truths.classes import resolve
from workers.pipeline.pipeline import Pipeline
from workers.pipeline.spec import AudioSteps, ImageSteps, PipelineError, PipelineSpec

if TYPE_CHECKING:
    from PIL.Image import Image

STAGE = mark("Opening some examples")
KEPT_SIDE = 2.5
"""Pictures are kept at this many times the side of the model's input, because larger ones only cost time."""
ENOUGH = 20
"""From this many labelled examples on, or from half of a small set on, examples without a label are not used."""
MOST_SECONDS = 8.0
"""Seconds of each sound that are used."""


@dataclass(frozen=True)
class Example:
    """One opened example.

    Attributes:
        number: Number of its entry in the collection.
        sample: The sample as `Pipeline.feeds_from` takes it.
        ids: The accepted classes; empty without a label.
    """

    number: int
    sample: "Sample | Image"
    ids: tuple[int, ...]


class Material:
    """Opened examples in a fixed random order, in proportion to their labels. The job owns one instance."""

    def __init__(self, params: DoctorParams, pipeline: Pipeline, side: int, ctx: JobContext) -> None:
        """Open the examples that `params` names.

        `side` is the side of the model's input in pixels, 0 if not a picture.
        """
        self._params, self._spec, self._side = params, pipeline.spec, side
        self._collections: dict[tuple[int, int], Collection] = {}
        collection = self._read(pipeline.spec)
        resolved = resolve(collection, pipeline.spec, params.label_map)
        entries = collection.entries
        labelled = [i for i, ids in enumerate(resolved.ids) if ids]
        pool = labelled if len(labelled) >= min(ENOUGH, len(entries) / 2) else list(range(len(entries)))
        wanted = min(params.max_items, len(pool))
        picked = choose([group_of(resolved.ids[i]) for i in pool], lambda k: _key(entries[pool[k]]), wanted)
        order = sorted((pool[k] for k in picked), key=lambda i: _key(entries[i]))
        self.examples = list(self._opened(entries, resolved.ids, order, ctx))

    @property
    def kind(self) -> Kind:
        """Return the kind of the data. Arrays that go in unchanged need no preprocessing."""
        return self._read(self._spec).kind

    @property
    def has_labels(self) -> bool:
        """Return whether every example has a label, or labels for its time steps."""
        if self._by_moments:
            return bool(self.examples)
        return bool(self.examples) and all(example.ids for example in self.examples)

    @property
    def _by_moments(self) -> bool:
        return bool(self._spec.links) and self._entry(self.examples[0].number, self._spec).steps is not None

    def sample(self, example: Example, spec: PipelineSpec) -> "Sample | Image":
        """Return an example as this preprocessing needs it: sounds at its own rate, cut after some seconds."""
        steps = spec.preprocess
        if not isinstance(steps, AudioSteps):
            return example.sample
        sample = self._entry(example.number, spec).open()
        if isinstance(sample, Path):
            from workers.pipeline.audio import read_wav, resample

            samples, rate = read_wav(sample)
            sample = resample(samples, rate, steps.sample_rate_hz)
        return sample[: int(MOST_SECONDS * steps.sample_rate_hz)] if isinstance(sample, np.ndarray) else sample

    def moments(self, example: Example, spec: PipelineSpec, count: int) -> Any:
        """Return the labels (count,) of the time steps, below 0 where there is none; None if there are none at all."""
        steps = self._entry(example.number, spec).steps
        return None if steps is None else steps(count)

    def _entry(self, number: int, spec: PipelineSpec) -> Entry:
        return self._read(spec).entries[number]

    def _read(self, spec: PipelineSpec) -> Collection:
        """Read the data once for each rate and frame size of sounds, because labels of time steps depend on them."""
        steps = spec.preprocess
        key = (steps.sample_rate_hz, steps.frame_samples) if isinstance(steps, AudioSteps) else (0, 0)
        if key not in self._collections:
            options = Options(spec, self._params.text_column, self._params.label_column)
            found = read_collection(from_text(self._params.path), options)
            self._collections[key] = edited(found, self._params.left_out, self._params.relabeled)
        return self._collections[key]

    def _opened(
        self, entries: Sequence[Entry], ids: Sequence[tuple[int, ...]], order: Sequence[int], ctx: JobContext
    ) -> "list[Example]":
        found = []
        for number in in_steps(ctx, STAGE, order, "examples"):
            try:
                sample: Sample | Image = entries[number].open()
                if isinstance(self._spec.preprocess, ImageSteps) and isinstance(sample, Path):
                    sample = _picture(sample, self._side)
            except (PipelineError, OSError, ValueError):
                continue
            found.append(Example(number, sample, ids[number]))
        return found


def _key(entry: Entry) -> bytes:
    return digest(entry.source.encode(errors="surrogateescape"))


def _picture(path: Path, side: int) -> "Image":
    """Open a picture as RGB or gray, and reduce it if it is much larger than the model's input."""
    from workers.pipeline.images import open_picture

    image = open_picture(path)
    factor = int(min(image.size) / (KEPT_SIDE * side))
    if factor > 1:
        image = image.reduce(factor)
    return image
