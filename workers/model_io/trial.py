"""Run the whole pipeline once: check that the model runs, that predictions are finite, and what they are."""

import itertools
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.error_info import RequestedShape
from workers.contracts.errors import WorkerError
from workers.contracts.jobs import OpenParams
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Finding
from workers.contracts.translation import _
from workers.model_io.facts import warning
from workers.model_io.guess.answer import TASKS
from workers.model_io.guess.boxes_seen import corrected_boxes, several_labels
from workers.model_io.guess.masks import corrected_mask
from workers.model_io.guess.spec import with_output_words, with_task_guess
from workers.model_io.layouts import needs_output_axes, with_output_axes
from workers.model_io.runtime import is_out_of_memory, run_error
from workers.model_io.words import refuse
from workers.pipeline.batches import fixed_batch
from workers.pipeline.pipeline import Pipeline, Runs
from workers.pipeline.spec import (
    FREE_WIDTH_PX,
    AudioSteps,
    BoxesSteps,
    ImageSteps,
    MaskSteps,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    TextSteps,
)

Feeds = dict[str, NDArray[Any]]

SAMPLES = 3
SLOW_SECONDS = 5.0
SHORTEST_VECTOR = 16
_TEXTS = (
    "The quick brown fox jumps over the lazy dog.",
    "I did not like this film at all, and I will never watch it again!",
    "Where is the nearest station, please? It is for 7 o'clock.",
)
_FREE_SIDES = (64, 32, 16, 224, 128, 1)
_MAX_ELEMENTS = 50_000_000
_MAX_FREE = 4_000_000


def _sizes(params: OpenParams, entry: PipelineInput, only: bool) -> tuple[int, ...]:
    """Return the whole input's sizes from the data, else from the user; () where neither states them."""
    item = params.item_shapes.get(entry.name, params.item_shapes.get("x", ()) if only else ())
    at = entry.batch_axis
    if entry.batched and item and len(item) == len(entry.shape) - 1:
        return (*item[:at], 1, *item[at:])
    given = params.shapes.get(entry.name, params.shapes.get("", ()) if only else ())
    return next((sizes for sizes in (item, given) if sizes and len(sizes) == len(entry.shape)), ())


@dataclass(frozen=True)
class Trial:
    """`feeds` and `outputs` of each sample, the completed `spec`, and `findings` about odd predictions."""

    spec: PipelineSpec
    feeds: tuple[Feeds, ...]
    outputs: tuple[Feeds, ...]
    findings: tuple[Finding, ...]


def try_out(
    path: Path,
    specs: Sequence[PipelineSpec],
    folder: Path,
    session: Runs,
    ctx: JobContext,
    params: OpenParams,
    tables: Mapping[str, int],
) -> Trial:
    """Run some generated inputs with the first description of `specs` that works.

    `params` holds the sizes that the user and the data state, `tables` the number of values of integer inputs.

    Raises:
        InputRefused: the model does not run or does not return numbers.
    """
    refuse_unfit(path, specs[0])
    failure: Exception | None = None
    sides = _sides(specs[0]) if _has_free_side(specs[0]) else _sides(specs[0])[:1]
    for side, spec in itertools.product(sides, specs):
        ctx.check_cancelled()
        pipeline = Pipeline(spec, folder)
        try:
            tried, outputs = _run(pipeline, session, _feeds(pipeline, side, ctx.seed, params, tables), ctx)
        except WorkerError:
            raise
        except Exception as error:  # a runtime's own exceptions share no base but Exception
            failure = failure or error
            if is_out_of_memory(error):
                raise run_error(path, error) from error
            continue
        completed = replace(spec, tried_size=side) if _has_free_side(spec) else spec
        if needs_output_axes(spec):
            completed = with_output_axes(completed, *_grown(path, pipeline, session, tried))
            outputs = [Pipeline(completed, folder).run(session, feeds) for feeds in tried]
        return evaluated(path, completed, tuple(tried), tuple(outputs))
    assert failure is not None
    # array inputs whose sizes the model leaves open behind the batch
    free = [e for e in specs[0].inputs if e.source in ("array", "image") and (not e.shape or None in e.shape[1:])]
    only = len(specs[0].inputs) == 1
    asks = tuple(RequestedShape(name="" if only else entry.name, sizes=entry.shape) for entry in free)
    raise run_error(path, failure, asks) from failure


def _grown(path: Path, pipeline: Pipeline, session: Runs, tried: Sequence[Feeds]) -> tuple[Feeds, Feeds | None]:
    """Return the model's outputs for one item, and for two if it accepts more than one.

    Raises:
        InputRefused: the model does not run.
    """
    try:
        one = {name: np.asarray(value) for name, value in session.run(tried[0]).items()}
    except Exception as error:  # a runtime's own exceptions share no base but Exception
        raise run_error(path, error) from error
    if fixed_batch(pipeline.spec) is not None:
        return one, None
    try:
        return one, dict(session.run(pipeline.batch([tried[0], tried[0]])))
    except Exception:  # it takes no batch; later requests report any real problem
        return one, None


def refuse_unfit(path: Path, spec: PipelineSpec) -> None:
    """Refuse a model that takes other things than numbers, or too many of them.

    Raises:
        InputRefused: it takes such an input.
    """
    for entry in spec.inputs:
        if np.dtype(np.sctypeDict.get(entry.dtype, object)).kind not in "biuf":
            raise refuse(
                "unsupported_input",
                "The model takes inputs that are not supported",
                _("{0} takes {1} as its input {2}, and Fettle feeds numbers only.").format(
                    path.name, entry.dtype, entry.name
                ),
                "Ask its author for an export without that part, so that it takes numbers.",
            )
        if _elements(entry, 1) > _MAX_ELEMENTS:
            raise refuse(
                "too_large",
                "The model's input is too large",
                _("{0} wants an input of {1} numbers.").format(path.name, "×".join(map(str, entry.shape))),
                "Ask its author for an export with a smaller input.",
            )


def _elements(entry: PipelineInput, side: int) -> int:
    return math.prod(size or (1 if axis == 0 else side) for axis, size in enumerate(entry.shape))


def _sides(spec: PipelineSpec) -> list[int]:
    """Return the sizes to try for free axes, without those that make very large inputs."""
    fitting = [side for side in _FREE_SIDES if all(_elements(entry, side) <= _MAX_FREE for entry in spec.inputs)]
    return fitting or [1]


def _has_free_side(spec: PipelineSpec) -> bool:
    return any(
        entry.source in ("array", "input_ids") and (None in entry.shape[1:] or not entry.shape) for entry in spec.inputs
    )


def _feeds(pipeline: Pipeline, side: int, seed: int, params: OpenParams, tables: Mapping[str, int]) -> Iterator[Feeds]:
    """Yield `SAMPLES` inputs of noise or sample texts, prepared; `side` is the size of unnamed free axes."""
    rng, spec = np.random.default_rng(seed), pipeline.spec
    world = [entry for entry in spec.inputs if entry.source in ("array", "input_ids")]
    sized = [_sized(entry, _sizes(params, entry, len(world) == 1)) for entry in world]
    for number in range(SAMPLES):
        sample = _sample(spec, rng, number)
        if sample is None:
            sample = {entry.name: random_array(entry, rng, side, tables.get(entry.name)) for entry in sized}
        yield pipeline.feeds_from(sample)


def _run(pipeline: Pipeline, session: Runs, feeds: Iterator[Feeds], ctx: JobContext) -> tuple[list[Feeds], list[Feeds]]:
    """Run all samples, or as many as fit into some seconds, judging by the first ones."""
    tried: list[Feeds] = []
    outputs: list[Feeds] = []
    started = time.monotonic()
    for entry in feeds:
        ctx.check_cancelled()
        outputs.append(pipeline.run(session, entry))
        tried.append(entry)
        if (time.monotonic() - started) * (len(outputs) + 1) / len(outputs) > SLOW_SECONDS:
            break
    return tried, outputs


def _sample(spec: PipelineSpec, rng: np.random.Generator, number: int) -> Any:
    """Return a text, a sound or an image; None for models that take arrays."""
    steps = spec.preprocess
    if isinstance(steps, TextSteps):
        return _TEXTS[number % len(_TEXTS)][: max(1, steps.max_length - 2)]  # a letter is at most one token
    if isinstance(steps, AudioSteps):
        mel = spec.generation.mel if spec.generation is not None else None
        seconds = 1 + number if mel is None else min(1 + number, mel.seconds)
        samples = steps.frame_samples * 4 or steps.sample_rate_hz * seconds
        return (rng.standard_normal(samples) * 3000).astype(np.int16)
    if isinstance(steps, ImageSteps):
        height, width = steps.sides or (224, 224)
        return rng.integers(0, 256, (height, width or FREE_WIDTH_PX, 3), dtype=np.uint8)
    return None


def _sized(entry: PipelineInput, sizes: tuple[int, ...]) -> PipelineInput:
    """Return the input with its free sizes filled in; a free batch stays free."""
    filled = tuple(
        size or (None if axis == entry.batch_axis and entry.batched else given)
        for axis, (size, given) in enumerate(zip(entry.shape, sizes or (None,) * len(entry.shape), strict=True))
    )
    return replace(entry, shape=filled)


def random_array(entry: PipelineInput, rng: np.random.Generator, side: int, table: int | None = None) -> NDArray[Any]:
    """Return noise around 0; integers stay below `table` and 100, so that they are valid tokens and indices."""
    shape = [size or (1 if axis == entry.batch_axis else side) for axis, size in enumerate(entry.shape)]
    dtype = np.dtype(entry.dtype)
    if dtype.kind == "b":
        return np.ones(shape, dtype)
    if dtype.kind in "iu":
        return rng.integers(0, min(table or 100, 100), shape).astype(dtype)
    values = rng.standard_normal(shape)
    # one number for a whole item is usually a scale (sigma, time step), which is not negative
    return (np.abs(values) if len(shape) < 2 else values).astype(dtype)


def evaluated(path: Path, spec: PipelineSpec, feeds: tuple[Feeds, ...], outputs: tuple[Feeds, ...]) -> Trial:
    """Complete a description by its predictions.

    Raises:
        InputRefused: no prediction is a number.
    """
    name = next(entry.name for entry in spec.outputs if entry.answer)
    values = [np.asarray(entry[name], dtype=np.float64) for entry in outputs]
    finite = [bool(np.isfinite(value).all()) for value in values]
    if not any(finite):
        raise refuse(
            "not_finite",
            "The model gives no numbers",
            _("{0} answers NaN or infinity to every input that was tried.").format(path.name),
            "Its weights are probably damaged: download the file again, or ask its author for a sound one.",
        )
    findings = () if all(finite) else (warning("For some generated inputs the model answers NaN or infinity."),)
    # shapes that the file lacked, and whether the scores are probabilities
    update: dict[str, Any] = {}
    shares = all(bool(((value >= 0) & (value <= 1)).all()) for value in values)
    if spec.answer_kind == "class":
        shares = shares and all(bool(np.allclose(value.sum(axis=-1), 1, atol=1e-2)) for value in values)
    if spec.answer_kind in ("class", "score") and shares:
        update["scores"] = "probabilities"
    if spec.answer_kind == "class" and spec.classes is None and all(_is_unit(value) for value in values):
        update["answer_kind"] = "embedding"
        update["task"] = "text-embedding" if spec.task == "text-classification" else "arrays"
        update["guessed"] = with_task_guess(spec.guessed, is_guess=True)
    update |= _completed_result(spec, feeds, outputs, values, name)
    shapes = tuple(replace(entry, shape=_completed_shape(spec, entry, feeds, outputs)) for entry in spec.outputs)
    return Trial(with_output_words(replace(spec, **update, outputs=shapes)), feeds, outputs, findings)


def _completed_result(
    spec: PipelineSpec,
    feeds: tuple[Feeds, ...],
    outputs: tuple[Feeds, ...],
    values: list[NDArray[np.float64]],
    answer: str,
) -> dict[str, Any]:
    """Return the fields to change according to what the predictions show about the kind of result."""
    if isinstance(spec.postprocess, BoxesSteps):
        return _completed_boxes(spec, spec.postprocess, feeds, outputs)
    if spec.answer_kind == "class" and several_labels(values):
        return {"answer_kind": "labels", "scores": "probabilities"}
    known = spec.postprocess if isinstance(spec.postprocess, MaskSteps) else None
    if spec.sampling is None and (known is not None or spec.answer_kind in ("tensor", "picture")):
        steps = corrected_mask(answer, values, spec.preprocess, known)
        return {} if steps is None else {"answer_kind": "mask", "task": TASKS["mask"], "postprocess": steps}
    return {}


def _completed_boxes(
    spec: PipelineSpec, steps: BoxesSteps, feeds: tuple[Feeds, ...], outputs: tuple[Feeds, ...]
) -> dict[str, Any]:
    """Return the fields to change for boxes; no steps where the outputs have an unexpected form.

    YOLOX takes bytes, blue first (Megvii-BaseDetection/YOLOX, `preproc`), if no file states the preparation.
    """
    fed = spec.preprocess
    try:
        completed = corrected_boxes(steps, outputs, Pipeline(spec, Path()).input_size(feeds[0]))
    except (KeyError, ValueError, IndexError):
        return {"postprocess": None}
    if completed.form == "yolox" and "mean" in spec.guessed and isinstance(fed, ImageSteps):
        return {"postprocess": completed, "preprocess": replace(fed, range="0..255", channels="bgr")}
    return {"postprocess": completed}


def _is_unit(value: NDArray[np.float64]) -> bool:
    """Return whether rows are vectors of length 1 with negative values, as embeddings are and class scores are not."""
    lengths = np.linalg.norm(value, axis=-1)
    return value.shape[-1] >= SHORTEST_VECTOR and bool((value < 0).any()) and bool(np.allclose(lengths, 1, atol=1e-3))


def _completed_shape(
    spec: PipelineSpec, entry: PipelineOutput, feeds: tuple[Feeds, ...], outputs: tuple[Feeds, ...]
) -> tuple[int | None, ...]:
    """Return the shape of an output with what the trial run showed of it.

    The whole shape is taken where the file states none, and the open width of rows (n, width) for texts where texts of
    several lengths gave the same width.
    """
    if not entry.shape:
        shape = np.shape(outputs[0][entry.name])
        return (None, *shape[1:]) if shape else ()
    ids = next((one.name for one in spec.inputs if one.source == "input_ids"), None)
    if ids is None or len(entry.shape) != 2 or entry.shape[1] is not None or entry.batch_axis:
        return entry.shape
    lengths = {np.shape(one[ids]) for one in feeds}
    widths = {np.shape(one[entry.name])[1] for one in outputs}
    return (entry.shape[0], widths.pop()) if len(lengths) > 1 and len(widths) == 1 else entry.shape
