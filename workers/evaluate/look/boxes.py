"""Convert the boxes of a detector to shares of the picture that is displayed with them."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.data.seen import SeenBox
from workers.contracts.translation import _
from workers.pipeline.images import placing_of
from workers.pipeline.pipeline import Pipeline
from workers.pipeline.postprocess.matching import COLUMNS
from workers.pipeline.postprocess.things import things_of
from workers.pipeline.spec import BoxesSteps, ImageSteps

MOST_SHOWN = 100

Frame = tuple[float, float, float, float]
"""Left, top, width and height of the picture within the model's input, in pixels of the input."""


def frame_of(facts: Mapping[str, float | str]) -> Frame | None:
    """Return the frame that the facts of an item contain; None if they contain none."""
    if "input width" not in facts or "input height" not in facts:
        return None
    left, top = (float(facts.get(f"input {side}", 0.0)) for side in ("left", "top"))
    return left, top, float(facts["input width"]), float(facts["input height"])


def frame_in(pipeline: Pipeline, size: tuple[int, int]) -> Frame | None:
    """Return the frame of a picture of `size` (width, height); None if the input is not a picture."""
    steps = pipeline.spec.preprocess
    if not isinstance(steps, ImageSteps):
        return None
    placing = placing_of(size, steps)
    return (*placing.offset, placing.scale[0] * size[0], placing.scale[1] * size[1])


def seen_boxes(pipeline: Pipeline, answer: NDArray[Any], frame: Frame | None) -> tuple[SeenBox, ...]:
    """Return the boxes with the highest scores, from the score threshold on.

    Returns () for other models, without a frame, and for values that are not finite.
    """
    spec = pipeline.spec
    rows = _rows(np.asarray(answer)) if isinstance(spec.postprocess, BoxesSteps) else None
    if rows is None or frame is None or not np.isfinite(rows).all():
        return ()
    left, top, width, height = frame
    return tuple(
        SeenBox(
            name=thing.name, score=min(max(thing.score, 0.0), 1.0),
            box=_within(
                (thing.box[0] - left) / width, (thing.box[1] - top) / height,
                (thing.box[2] - left) / width, (thing.box[3] - top) / height,
            ),
        )
        for thing in things_of(rows, spec)[:MOST_SHOWN]
    )  # fmt: skip


def _rows(answer: NDArray[Any]) -> NDArray[Any]:
    return answer.reshape(-1, answer.shape[-1] if answer.ndim > 1 else COLUMNS)


def _within(*edges: float) -> tuple[float, float, float, float]:
    left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in edges)
    return left, top, right, bottom


def found_words(boxes: tuple[SeenBox, ...]) -> str:
    """Return how many boxes of which names were found, for example "3 found: dog × 2, cat".

    `boxes` are sorted by score, so the name with the highest score comes first.
    """
    names = Counter(box.name for box in boxes)
    listed = ", ".join(name if count == 1 else f"{name} × {count}" for name, count in names.items())
    return _("{0} found: {1}").format(len(boxes), listed) if boxes else _("nothing found")
