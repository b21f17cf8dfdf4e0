"""Yield calibration inputs as complete requests of the model, with one at a time in memory."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import Model
from workers.contracts.translation import _
from workers.convert.graphs import onnx_files
from workers.infer.base import Arrays
from workers.infer.pixels import as_pixels
from workers.pipeline.arrays import dtype_of
from workers.pipeline.batches import group_size, in_groups, is_batched, zero_state
from workers.pipeline.spec import PIPELINE_FILE, PipelineSpec
from workers.pipeline.spec_file import read_spec

FREE_SIZE = 16
"""Size of open axes other than the batch where there are no real inputs."""


def example_feeds(spec: PipelineSpec) -> Arrays:
    """Return one request of zeros with batch size 1; constants have their value."""
    feeds: Arrays = {}
    frame = FREE_SIZE
    if spec.preprocess.kind == "audio":
        steps = spec.preprocess  # one second of a sound that is processed whole
        frame = (steps.frame_samples or steps.sample_rate_hz) + steps.context_samples
    for entry in spec.inputs:
        free = frame if entry.source == "audio" else FREE_SIZE
        sizes = [size or (1 if axis == entry.batch_axis else free) for axis, size in enumerate(entry.shape)]
        dtype = dtype_of(entry)
        if entry.source == "image" and spec.preprocess.kind == "image" and spec.preprocess.pixels:
            dtype = np.dtype(np.uint8)
            if spec.preprocess.layout == "nchw":
                sizes = [sizes[axis] for axis in (0, 2, 3, 1)]
        feeds[entry.name] = np.full(sizes, entry.constant or 0, dtype=dtype)
    return feeds


def count_requests(model: Model, ctx: JobContext, limit: int) -> int:
    """Return the number of requests that `requests` will yield.

    Raises:
        InputRefused: there are no calibration inputs.
    """
    spec = _spec(model.folder)
    steps = spec is not None and bool(spec.links)
    size = 1 if steps or spec is None else group_size(spec)
    total = 0
    for feeds in ctx.calibration(limit * size):
        total += max(len(array) for array in feeds.values() if array.ndim) if steps else 1
        if total >= limit * size:
            return limit
    if total == 0:
        raise InputRefused(
            "calibration_missing",
            "There are no examples to calibrate with",
            "This technique needs examples to learn how large the model's inner values get.",
            "Add data: pictures, texts or arrays like those that you use the model for.",
        )
    return -(-total // size)


def requests(model: Model, ctx: JobContext, limit: int) -> Iterator[Arrays]:
    """Yield at most `limit` complete requests. A stateful model runs to carry its state from step to step.

    Raises:
        InputRefused: an input holds NaN or infinity.
    """
    spec = _spec(model.folder)
    if spec is not None and spec.links:
        source = _steps(model, ctx, limit, spec)
    elif spec is not None and (size := group_size(spec)) > 1:  # as many examples as the model takes at once
        source = in_groups((dict(item) for item in ctx.calibration(limit * size)), spec)
    else:
        source = ctx.calibration(limit)
    names = set(_input_names(model))
    for number, feeds in enumerate(islice(source, limit), start=1):
        ctx.check_cancelled()
        for name, array in feeds.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise InputRefused(
                    "calibration_not_finite",
                    "The examples hold values that are no numbers",
                    _("Example {0} has NaN or infinity in the input {1!r}.").format(number, name),
                    "Remove such examples from the data and start again.",
                )
        ctx.progress("Calibrate", number, limit, "examples")
        yield as_taken(model, {name: array for name, array in feeds.items() if name in names})


def as_taken(model: Model, feeds: Arrays) -> Arrays:
    """Convert the original's inputs to those of the model's own file: pixels if it prepares images itself.

    Raises:
        InputRefused: an input does not come from 8-bit pixels.
    """
    own: Any = model.artifact.settings.get("pixels")
    if own is None or own["input"] not in feeds:
        return feeds
    try:
        return {**feeds, own["input"]: as_pixels(feeds[own["input"]], own)}
    except ValueError as error:
        raise InputRefused(
            "examples_not_pixels",
            "The examples do not fit a model that prepares pictures itself",
            _("One of them cannot be turned back into a picture: {0}.").format(error),
            "Leave “Preparation inside the model” out of the recipe, or give pictures as examples.",
        ) from error


def seen_shapes(ctx: JobContext, limit: int) -> dict[str, set[tuple[int, ...]]]:
    """Return the shapes of each input in at most `limit` calibration inputs."""
    seen: dict[str, set[tuple[int, ...]]] = {}
    for feeds in ctx.calibration(limit):
        ctx.check_cancelled()
        for name, array in feeds.items():
            seen.setdefault(name, set()).add(array.shape)
    return seen


def _input_names(model: Model) -> list[str]:
    graph = onnx_files.load(model.main, with_data=False).graph
    weights = {tensor.name for tensor in graph.initializer}
    return [value.name for value in graph.input if value.name not in weights]


def _spec(folder: Path) -> PipelineSpec | None:
    """Return the description of the model in `folder`; None for a part of a model without one."""
    return read_spec(folder) if (folder / PIPELINE_FILE).is_file() else None


def _steps(model: Model, ctx: JobContext, limit: int, spec: PipelineSpec) -> Iterator[Arrays]:
    batched = {entry.name for entry in spec.inputs if is_batched(entry)}
    names = set(_input_names(model))
    session = onnx_files.start(model.main, "all")
    outputs = [output.name for output in session.get_outputs()]
    for item in ctx.calibration(limit):
        state: dict[str, Any] = zero_state(spec)
        for step in range(max(len(array) for name, array in item.items() if name in batched)):
            feeds = {n: a[step : step + 1] if n in batched else a for n, a in item.items()}
            feeds = {name: array for name, array in {**feeds, **state}.items() if name in names}
            yield feeds
            answers = dict(zip(outputs, session.run(outputs, feeds), strict=True))
            state = {name: answers[source] for name, source in spec.links.items()}
