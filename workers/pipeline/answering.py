"""Convert one sample's prediction to JSON: a label with shares, objects with boxes, a text, a mask, or numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .answers import label_of
from .pipeline import Pipeline
from .postprocess.mask_pictures import mask_picture
from .postprocess.matching import COLUMNS
from .postprocess.things import drawn_on, things_of
from .spec import AudioSteps, BoxesSteps, PipelineError


def answered(pipeline: Pipeline, values: NDArray[np.float32], source: Any, out: Path | None = None) -> dict[str, Any]:
    """Return the result of `pipeline.answer` for `source` (see `Pipeline.feeds_from`) as JSON values.

    A detector draws its objects into the picture `out`; a mask is written there.

    Raises:
        PipelineError: The source holds several samples, or the prediction holds NaN or infinity, which JSON cannot
            hold.
    """
    numbers = [one[:, :COLUMNS] for one in values] if isinstance(pipeline.spec.postprocess, BoxesSteps) else values
    if not all(np.isfinite(one).all() for one in numbers):
        raise PipelineError("The model gives no numbers (NaN or infinity) for this input.")
    if isinstance(pipeline.spec.postprocess, BoxesSteps):
        return _objects(pipeline, values, source, out)
    kind = pipeline.spec.answer_kind
    if kind == "transcript":
        return {"answer": pipeline.text_of(values)}
    if kind == "tokens":
        return {"answer": pipeline.text_of(values), "tokens": values.astype(int).tolist()}
    labels = pipeline.describe(values)
    if labels:
        _check_one_sample(pipeline, values)
        return {"answer": labels[0][0], "scores": {label: float(share) for label, share in labels}}
    if kind == "mask":
        return _mask(pipeline, values, source, out)
    return {"shape": list(values.shape), "answer": values.tolist()}


def _mask(pipeline: Pipeline, values: NDArray[np.float32], source: Any, out: Path | None) -> dict[str, Any]:
    """Return the class number of each pixel and each class's share of the picture.

    The mask is written to `out` as a picture of the user's picture's size.
    """
    _check_one_sample(pipeline, values)
    numbers, counts = np.unique(values.astype(np.int64), return_counts=True)
    shares = zip(numbers, counts, strict=True)
    if out is not None:
        picture, mask = pipeline.picture_of(source), values.reshape(values.shape[-2:])
        fed = pipeline.input_size(pipeline.feeds_from(source)) if picture is not None else (1, 1)
        mask_picture(mask, pipeline.spec, None if picture is None else picture.size, fed).save(out)
    return {
        "shape": list(values.shape),
        "answer": values.tolist(),
        "shares": {label_of(pipeline.spec, int(number)): float(count / values.size) for number, count in shares},
    }


def _objects(pipeline: Pipeline, values: Any, source: Any, out: Path | None) -> dict[str, Any]:
    """Return objects with boxes in pixels of the picture; for an array, in pixels of the model's input."""
    if len(values) != 1:
        raise _several_samples(len(values))
    picture = pipeline.picture_of(source)
    things = things_of(values[0], pipeline.spec, None if picture is None else picture.size)
    if out is not None:
        if picture is None:
            raise PipelineError("It is not a picture that can be drawn on.")
        drawn_on(picture, things).save(out)
    boxes = [{"class": t.name, "score": t.score, "box": [round(edge, 2) for edge in t.box]} for t in things]
    return {"answer": f"{len(boxes)} found", "boxes": boxes}


def _check_one_sample(pipeline: Pipeline, values: Any) -> None:
    """Raise PipelineError for several samples; frames of one sound count as one sample with one prediction."""
    in_frames = pipeline.stateful or isinstance(pipeline.spec.preprocess, AudioSteps)
    if values.ndim > 1 and len(values) > 1 and not in_frames:
        raise _several_samples(len(values))


def _several_samples(count: int) -> PipelineError:
    return PipelineError("It holds {0:,} samples, and a file is one: put each into its own file.", count)
