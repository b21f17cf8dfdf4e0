"""Whether a picture model's answers are boxes around things, by what its files say and by its outputs' shapes.

The forms: YOLO v5 (n, boxes, 5 + classes), YOLO v8 and later (n, 4 + classes, boxes), end to end (n, boxes, 6), boxes
beside scores (SSD, RetinaNet), boxes beside logits (DETR, arXiv 2005.12872), and (n, boxes, 5) beside labels.
"""

import re
from collections.abc import Iterator, Sequence

from workers.contracts.pipeline import ImageSteps, PipelineInput
from workers.contracts.specs import TensorSpec
from workers.model_io.facts import Found

STRIDES = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32))
"""How many pixels a cell of YOLO's grids is wide; there is one box, or three, for each cell."""

ANCHORS = (1, 3)
MOST_KEPT = 1000
"""Boxes that end-to-end models give at most."""

_BOXES = re.compile(r"box|dets?$|detections?$|loc(ation)?s?$", re.I)
_SCORES = re.compile(r"score|conf|prob|logit|class|label|cls", re.I)

Shape = tuple[int | str | None, ...]


def gives_boxes(
    outputs: Sequence[TensorSpec], inputs: Sequence[PipelineInput], steps: ImageSteps, found: Found
) -> bool:
    """Whether a detector's form is recognized."""
    if found.task == "object-detection":
        return True
    names = len(found.classes) if found.classes else None
    alone = [output.shape for output in outputs if len(output.shape) == 3]
    # earlier forms of YOLO give their grids besides
    whole = len(alone) == 1 and len(outputs) <= 4 and _one_output(alone[0], names, _cells(inputs, steps))
    return whole or _beside(outputs)


def _one_output(shape: Shape, names: int | None, cells: frozenset[int]) -> bool:
    rows, last = shape[1:]
    if last == 6 and isinstance(rows, int) and 10 <= rows <= MOST_KEPT:
        return True
    for width, count, more in ((last, rows, 5), (rows, last, 4)):
        if not isinstance(width, int) or width <= more:
            continue
        if count in cells or (names is not None and width == names + more):
            return True
    return False


def _cells(inputs: Sequence[PipelineInput], steps: ImageSteps) -> frozenset[int]:
    """How many boxes YOLO's grids give at this size of picture."""
    return frozenset(_counted(inputs, steps))


def _counted(inputs: Sequence[PipelineInput], steps: ImageSteps) -> Iterator[int]:
    entry = next(entry for entry in inputs if entry.source == "image")
    sides = entry.shape[2:4] if steps.layout == "nchw" else entry.shape[1:3]
    last = steps.crop or steps.resize
    height, width = (
        sides if len(sides) == 2 and all(sides) else (last, last) if isinstance(last, int) else last or (0, 0)
    )
    for strides in STRIDES:
        count = sum(((height or 0) // stride) * ((width or 0) // stride) for stride in strides)
        yield from (count * anchors for anchors in ANCHORS if count)


def _beside(outputs: Sequence[TensorSpec]) -> bool:
    """Boxes (…, k, 4), or (…, k, 5) with their scores, and another output with one row for each of them."""
    for boxes in outputs:
        is_box = boxes.shape and boxes.shape[-1] in (4, 5) and len(boxes.shape) in (2, 3)
        if not is_box or not _BOXES.search(boxes.name):
            continue
        for other in outputs:
            if other is not boxes and _SCORES.search(other.name) and _same_rows(boxes.shape, other.shape):
                return True
    return False


def _same_rows(boxes: Shape, other: Shape) -> bool:
    """Whether `other` can have one row for each box; free sizes may be anything."""
    at = len(boxes) - 2
    pair = (boxes[at], other[at] if len(other) > at else None)
    return pair[0] == pair[1] or not all(isinstance(size, int) for size in pair)
