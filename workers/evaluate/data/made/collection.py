"""Generate inputs for a model without data: seeded, in the shapes and ranges that the model accepts."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.data.base import Collection, Entry, Sample, digest
from workers.evaluate.data.dataset import Kind
from workers.evaluate.data.made.audio import make_sound
from workers.evaluate.data.made.dialogues import our_dialogues
from workers.evaluate.data.made.pictures import make_picture
from workers.evaluate.data.made.texts import make_text
from workers.model_io.readers.onnx_graph import integer_bounds
from workers.pipeline.arrays import dtype_of
from workers.pipeline.pipeline import Pipeline
from workers.pipeline.spec import AudioSteps, ImageSteps, PipelineInput, Sampling, TextSteps

COUNT = 80
"""64 items to compare predictions on and 16 to calibrate with."""

LENGTHS = (8, 16, 24, 32, 48, 64, 96, 128)
"""Sizes for the free axes of a model, used in turn. Several lengths exercise dynamic shapes."""

MOST_TRIED = 64
"""The first size that is tried for free axes when a model is opened; smaller ones are tried only if it fails."""

SEQUENCE_STEPS = 64
UNKNOWN_INTEGERS = 2
"""Without a known limit, integers are only 0 and 1, which every table contains."""

GIVEN = ("image", "input_ids", "audio", "array")
"""Inputs that are generated; the pipeline fills masks, types, positions and states."""

Maker = Callable[[np.random.Generator, int], Sample]


def make_collection(pipeline: Pipeline, model_dir: Path, seed: int) -> Collection:
    """Return `COUNT` generated items of the kind that the pipeline accepts; the same seed gives the same items."""
    if pipeline.spec.chat is not None:
        return Collection("texts", our_dialogues())
    kind, make = _maker(pipeline, model_dir)
    entries = [_entry(make, kind, seed, number) for number in range(COUNT)]
    return Collection(kind, entries)


def _entry(make: Maker, kind: Kind, seed: int, number: int) -> Entry:
    def sample() -> Sample:
        return make(np.random.default_rng([seed, number]), number)

    text = str(sample()) if kind == "texts" else None
    content = partial(digest, f"{kind}/{seed}/{number}".encode())
    return Entry(f"made {number + 1}", sample, content, text=text)


def _maker(pipeline: Pipeline, model_dir: Path) -> tuple[Kind, Maker]:
    steps, entry = pipeline.spec.preprocess, pipeline.main_input
    if isinstance(steps, ImageSteps):
        return "images", lambda rng, number: make_picture(rng, _picture_size(steps, entry, number))
    if isinstance(steps, TextSteps):
        return "texts", lambda rng, number: make_text(rng, LENGTHS[number % len(LENGTHS)])
    if isinstance(steps, AudioSteps):
        samples = steps.frame_samples * SEQUENCE_STEPS if pipeline.stateful else 2 * steps.sample_rate_hz
        if pipeline.spec.generation is not None and pipeline.spec.generation.mel is not None:
            samples = min(samples, pipeline.spec.generation.mel.seconds * steps.sample_rate_hz)
        return "audio", lambda rng, _: make_sound(rng, samples, steps.sample_rate_hz)
    whole = any(dtype_of(e).kind in "iu" and e.source in GIVEN for e in pipeline.spec.inputs)
    bounds = integer_bounds(model_dir) if whole else {}
    return "arrays", partial(_arrays, pipeline, bounds)


FREE_SIZES = ((224, 224), (256, 320), (320, 256), (320, 320))
"""Sizes in multiples of 32, which models with a free size need."""


def _picture_size(steps: ImageSteps, entry: PipelineInput, number: int) -> tuple[int, int]:
    """Return the size before cropping, or the input's own size if nothing is resized; free sides vary by `number`."""
    wanted = steps.resize or steps.crop
    if isinstance(wanted, int):
        return wanted, wanted
    own = entry.shape[2:4] if steps.layout == "nchw" else entry.shape[1:3]
    height, width = wanted or (own if len(own) == 2 else (None, None))
    free = FREE_SIZES[number % len(FREE_SIZES)]
    return height or free[0], width or free[1]


def _arrays(pipeline: Pipeline, bounds: dict[str, int], rng: np.random.Generator, number: int) -> Sample:
    arrays = {}
    for entry in pipeline.spec.inputs:
        if entry.source in GIVEN:
            steps = SEQUENCE_STEPS if pipeline.stateful else 1
            value = make_array(rng, entry, bounds.get(entry.name), number, steps, pipeline.spec.tried_size)
            sampling = pipeline.spec.sampling
            arrays[entry.name] = value if sampling is None else make_noise(rng, entry, sampling, value)
    return arrays


def make_noise(rng: np.random.Generator, entry: PipelineInput, steps: Sampling, other: NDArray[Any]) -> NDArray[Any]:
    """Return the value of one input at the first step of a sampling run: noise at the highest level, or that level.

    `other` is the value of an input that is neither noise nor level.
    """
    if entry.name == steps.level:
        return np.full(other.shape, steps.levels[0], other.dtype)
    if entry.name == steps.sample:
        return (rng.standard_normal(other.shape) * steps.levels[0]).astype(other.dtype)
    return other


def lengths_for(tried: int | None) -> tuple[int, ...]:
    """Return the free sizes that the model is known to accept.

    These are the lengths up to the size it was tried with. If only a smaller size worked, that size is the only one.
    """
    if tried is None:
        return LENGTHS
    return tuple(length for length in LENGTHS if length <= tried) if tried == MOST_TRIED else (tried,)


def make_array(
    rng: np.random.Generator, entry: PipelineInput, bound: int | None, number: int, rows: int = 1,
    tried: int | None = None,
) -> NDArray[Any]:  # fmt: skip
    """Return one value of the input's shape and dtype: normal floats, integers below `bound`, random booleans.

    The batch axis has `rows` if the input is batched; other free axes get a length that changes with `number`.
    """
    pictures = len(entry.shape) == 4
    lengths = lengths_for(tried)
    free = FREE_SIZES[number % len(FREE_SIZES)] if pictures else (lengths[number % len(lengths)],) * 2
    shape = tuple(
        rows if axis == entry.batch_axis and entry.batched else free[axis % 2] if size is None else size
        for axis, size in enumerate(entry.shape)
    )
    dtype = dtype_of(entry)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        largest = np.iinfo(dtype).max
        limit = 256 if dtype == np.uint8 else bound or UNKNOWN_INTEGERS
        return rng.integers(0, min(limit, int(largest) + 1), shape).astype(dtype)
    if len(shape) < 2 and not pictures:
        # A single number in addition to the main input is often a scale, a share or a time; negative ones give NaN.
        return rng.uniform(0.05, 1.0, shape).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)
