"""Recognize how an image model's outputs hold boxes, from its files, its output names and their shapes.

The forms: YOLO v5 (n, boxes, 5 + classes), YOLO v8 and later (n, 4 + classes, boxes), end to end (n, boxes, 6), boxes
beside scores (SSD, RetinaNet), boxes beside logits (DETR, arXiv 2005.12872), and (n, boxes, 5) beside labels. Angles
and key points may follow YOLO's scores (docs.ultralytics.com, tasks obb and pose). Only outputs show whether YOLO's
positions are in cells (YOLOX; `boxes_seen`). Heads that need their own anchors are not recognized.
"""

import re
from collections.abc import Sequence
from typing import Any

from workers.contracts.specs import TensorSpec
from workers.model_io.facts import ModelFacts
from workers.pipeline.postprocess.boxes import STRIDES
from workers.pipeline.spec import BoxesSteps, ImageSteps, PipelineInput

ANCHORS = (1, 3)
"""Number of boxes for each cell of YOLO's grids: one or three."""

MOST_KEPT = 1000
"""Largest number of boxes that end-to-end models output."""

NMS_IOU = {"yolo_v5": 0.45, "yolo_v8": 0.45, "boxes_scores": 0.5}
"""Overlap at which YOLO v5 and torchvision's detectors (RetinaNet, SSD) merge boxes; other forms merge them earlier."""

_BOXES = re.compile(r"box|dets?$|detections?$|loc(ation)?s?$", re.I)
_SCORES = re.compile(r"score|conf|prob|logit|class|label|cls", re.I)
_LABELS = re.compile(r"label|class", re.I)
_RELATIVE = re.compile(r"regress|delta|offset|loc(ation)?s?$", re.I)
_COUNTS = re.compile(r"^num_det", re.I)
_TENSORFLOW = re.compile(r"^detection_(boxes|scores|classes)", re.I)

Shape = tuple[int | str | None, ...]


def gives_boxes(
    outputs: Sequence[TensorSpec], inputs: Sequence[PipelineInput], steps: ImageSteps, facts: ModelFacts
) -> bool:
    """Return whether the model detects objects, even if the form of its boxes is unknown."""
    if facts.task == "object-detection" or boxes_steps(outputs, inputs, steps, facts) is not None:
        return True
    return any(_rows_beside(boxes, outputs) for boxes in outputs if _is_boxes(boxes))


def boxes_steps(
    outputs: Sequence[TensorSpec], inputs: Sequence[PipelineInput], steps: ImageSteps, facts: ModelFacts
) -> BoxesSteps | None:
    """Return the recognized form; None where there is none, even if the files call the model a detector."""
    names = len(facts.classes) if facts.classes else None
    alone = [output for output in outputs if len(output.shape) == 3]
    # mask prototypes have four axes; older forms of YOLO also output their grids, which have five
    if len(alone) == 1 and len(outputs) <= 4:
        masks = _masks(outputs)
        read = _one_output(alone[0].shape, names, _cells(inputs, steps), facts, masks)
        if read is not None:
            return _steps(boxes=alone[0].name, **read)
    return _beside(outputs, names)


def _steps(*, form: Any, **more: Any) -> BoxesSteps:
    return BoxesSteps(form=form, **{"nms_iou": NMS_IOU.get(form), **more})


def _masks(outputs: Sequence[TensorSpec]) -> TensorSpec | None:
    """Return the output with mask prototypes (n, prototypes, height, width)."""
    return next((o for o in outputs if len(o.shape) == 4 and isinstance(o.shape[1], int) and o.shape[1] > 1), None)


def _one_output(
    shape: Shape, names: int | None, cells: frozenset[int], facts: ModelFacts, masks: TensorSpec | None
) -> dict[str, Any] | None:
    """Return the fields of the form of a single output.

    Its width includes the columns that the files place behind the scores, or the coefficients of the prototypes in
    `masks`.
    """
    if masks is not None:
        behind = {"behind": "mask", "masks": masks.name}
        if (with_masks := _with_behind(shape, names, cells, masks.shape[1], behind)) is not None:
            return with_masks
    more = {"angle": 1, "points": 2 * facts.points, "seen_points": 3 * facts.points}.get(facts.behind, 0)
    return _with_behind(shape, names, cells, more, {"behind": facts.behind})


def _with_behind(
    shape: Shape, names: int | None, cells: frozenset[int], more: Any, behind: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the fields of the form where `more` columns follow the scores of each box."""
    rows, last = shape[1:]
    is_mask = "masks" in behind
    one_class_v5 = names == 1 and rows in cells and not is_mask
    if last == 6 + more and isinstance(rows, int) and 10 <= rows <= MOST_KEPT and not one_class_v5:
        # rotated boxes have centers and sides, others corners
        return {"form": "end_to_end", "corners": "cxcywh" if behind["behind"] == "angle" else "xyxy", **behind}
    if isinstance(last, int) and names is not None and last == names + 4 + more and rows in cells and not is_mask:
        return {"form": "yolo_v8", "channels": "last", "corners": "cxcywh", "classes": names, **behind}
    for form, width, count, first in (("yolo_v5", last, rows, 5), ("yolo_v8", rows, last, 4)):
        if not isinstance(width, int) or width <= first + more - (form == "yolo_v5" and names == 1 and not is_mask):
            continue
        classes = width - first - more
        if classes == names or (count in cells and (names is None or not is_mask)):
            return {"form": form, "corners": "cxcywh", "classes": classes if is_mask else names, **behind}
    return None


def _cells(inputs: Sequence[PipelineInput], steps: ImageSteps) -> frozenset[int]:
    """Return the possible numbers of boxes of YOLO's grids for this image size."""
    entry = next(entry for entry in inputs if entry.source == "image")
    sides = entry.shape[2:4] if steps.layout == "nchw" else entry.shape[1:3]
    if len(sides) != 2 or not all(sides):
        sides = steps.sides or (0, 0)
    grids = (sum((sides[0] or 0) // one * ((sides[1] or 0) // one) for one in strides) for strides in STRIDES)
    return frozenset(count * anchors for count in grids for anchors in ANCHORS if count)


def _is_boxes(output: TensorSpec) -> bool:
    """Return whether an output is (…, k, 4), or (…, k, 5) with scores, under a name for boxes."""
    is_box = bool(output.shape) and output.shape[-1] in (4, 5) and len(output.shape) in (2, 3)
    return is_box and _BOXES.search(output.name) is not None


def _rows_beside(boxes: TensorSpec, outputs: Sequence[TensorSpec]) -> list[TensorSpec]:
    """Return other outputs with one row for each box."""
    others = (other for other in outputs if other is not boxes and _SCORES.search(other.name))
    return [other for other in others if _same_rows(boxes.shape, other.shape)]


def _beside(outputs: Sequence[TensorSpec], names: int | None) -> BoxesSteps | None:
    """Return the form of boxes beside scores; positions relative to unknown anchors are not recognized."""
    for boxes in outputs:
        if not _is_boxes(boxes) or _RELATIVE.search(boxes.name):
            continue
        others = _rows_beside(boxes, outputs)
        rows_only = [other for other in others if len(other.shape) < len(boxes.shape)]
        labels = next((o.name for o in rows_only if _LABELS.search(o.name) and "score" not in o.name.lower()), None)
        # beside labels one score counts, whatever else each box has (TensorFlow's detection_multiclass_scores)
        wanted = rows_only if labels is not None else others
        scores = next((other for other in wanted if other.name != labels), None)
        if boxes.shape[-1] == 5:
            if labels is not None:
                return _steps(form="boxes_labels", boxes=boxes.name, labels=labels)
        elif scores is not None:
            counts = next((other.name for other in outputs if _COUNTS.search(other.name)), None)
            return _of_two(boxes, scores, labels, counts, names)
    return None


def _of_two(
    boxes: TensorSpec, scores: TensorSpec, labels: str | None, counts: str | None, names: int | None
) -> BoxesSteps:
    named = {"boxes": boxes.name, "scores": scores.name, "labels": labels, "counts": counts}
    if labels is not None:
        first = "first" if _TENSORFLOW.search(boxes.name) else "none"
        places = {"corners": "yxyx", "unit": "shares"} if first == "first" else {}
        return _steps(form="boxes_scores", **named, **places, background=first, nms_iou=None)
    width = scores.shape[-1] if len(scores.shape) == len(boxes.shape) else None
    if "logit" in scores.name.lower():
        more = {"activation": "sigmoid"} if width == names else {"activation": "softmax", "background": "last"}
        return _steps(form="detr", **named, corners="cxcywh", unit="shares", **more)
    has_background = isinstance(width, int) and names is not None and width == names + 1
    return _steps(form="boxes_scores", **named, background="first" if has_background else "none")


def _same_rows(boxes: Shape, other: Shape) -> bool:
    """Return whether `other` can have one row for each box; free sizes match anything."""
    at = len(boxes) - 2
    pair = (boxes[at], other[at] if len(other) > at else None)
    return pair[0] == pair[1] or not all(isinstance(size, int) for size in pair)
