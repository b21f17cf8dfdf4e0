"""Correct from a model's own outputs what its results are: the form of boxes, or several labels at once.

The outputs show whether scores are logits, positions are shares, and boxes are corners or sides. They also show whether
positions are in pixels or in grid cells, and which columns behind the scores are no scores. Shares that do not add up
to 1 are scores of several labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workers.pipeline.postprocess.boxes import grid_of, heads_of
from workers.pipeline.spec import BoxesSteps

LARGEST_SHARE = 2.0
"""Largest position in shares of the input, which may lie slightly outside; positions in pixels are far larger."""

CORNERS = 0.9
"""Share of boxes whose second corner must lie right of and below the first."""

FOLLOWS_GRID = 0.5
"""Correlation of centers with their grid cells above which centers are in pixels or shares; it is near 1 for these."""

LARGEST_ANGLE = 2.4
"""Largest angle of Ultralytics' models, which lie from -pi/4 to 3 pi/4."""

EXACT = 1e-3
ORDERS: tuple[tuple[Literal["box_score_class", "class_score_box", "box_class_score"], int, int], ...] = (
    ("box_score_class", 4, 5),
    ("class_score_box", 1, 0),
    ("box_class_score", 5, 4),
)
"""The order of columns, and which of them hold score and class."""

Values = NDArray[np.float32]


def corrected_boxes(
    steps: BoxesSteps, outputs: Sequence[Mapping[str, NDArray[Any]]], size: tuple[int, int]
) -> BoxesSteps:
    """Return `steps` corrected by these outputs for images of `size` (height, width); unchanged without boxes.

    Raises:
        KeyError: an output is missing.
        ValueError: the outputs have another form.
    """
    if steps.form == "end_to_end":
        steps = _in_order(steps, outputs)
    if steps.form in ("yolo_v5", "yolo_v8") and steps.classes is None:
        steps = _with_behind(steps, outputs)
    plain = replace(steps, activation="none", background="none")
    heads = [heads_of(one, plain) for one in outputs]
    places = np.concatenate([head.places.reshape(-1, 4) for head in heads])
    raw = [values for one in outputs for values in _raw_scores(one, steps)]
    scores = np.concatenate([values.ravel() for values in raw]) if raw else np.empty(0, np.float32)
    update: dict[str, Any] = {}
    if scores.size and not _shares(scores) and steps.activation == "none":
        update["activation"] = "softmax" if steps.background != "none" else "sigmoid"
    finite = places[np.isfinite(places).all(axis=1)]
    if steps.form == "yolo_v5" and not _follows_grid([head.places for head in heads], size):
        return replace(steps, **update, form="yolox", unit="pixels")
    # rows of nothing fill up what end-to-end models find: they are in no unit
    if np.abs(finite).max(initial=0.0) > 0:
        update["unit"] = "shares" if float(np.abs(finite).max()) <= LARGEST_SHARE else "pixels"
        ordered = float(((finite[:, 2] >= finite[:, 0]) & (finite[:, 3] >= finite[:, 1])).mean())
        if steps.form == "boxes_scores" and steps.corners == "xyxy" and ordered < CORNERS:
            update["corners"] = "cxcywh"
    return replace(steps, **update)


def _shares(values: Values) -> bool:
    return bool(((values >= -EXACT) & (values <= 1 + EXACT)).all())


def _follows_grid(places: Sequence[Values], size: tuple[int, int]) -> bool:
    """Return whether centers (n, k, 2) lie near their cells; True where there is not one box for each cell."""
    grid = grid_of(size, places[0].shape[1])
    if grid is None or len(grid) < 3:
        return True
    found = np.concatenate([part[..., :2] for part in places]).astype(np.float64).mean(axis=0)
    cells = (grid[:, :2] + 0.5) * grid[:, 2:]
    spread = [(cells[:, axis].std(), found[:, axis].std()) for axis in (0, 1)]
    if not np.isfinite(found).all() or min(min(pair) for pair in spread) <= 0:
        return bool(np.abs(found).max() > LARGEST_SHARE)
    return all(float(np.corrcoef(found[:, axis], cells[:, axis])[0, 1]) > FOLLOWS_GRID for axis in (0, 1))


def _in_order(steps: BoxesSteps, outputs: Sequence[Mapping[str, NDArray[Any]]]) -> BoxesSteps:
    """Return the order of columns in which scores are shares and classes are integers.

    Raises:
        ValueError: there is no such order.
    """
    rows = np.concatenate(
        [np.asarray(one[steps.boxes], np.float32).reshape(-1, one[steps.boxes].shape[-1]) for one in outputs]
    )
    rows = rows[np.isfinite(rows).all(axis=1)]
    for columns, score, kind in ORDERS:
        whole = (
            np.abs(rows[:, kind] - np.rint(rows[:, kind])).max(initial=0) <= EXACT
            and rows[:, kind].min(initial=0) >= -1
        )
        if _shares(rows[:, score]) and whole and (columns == "box_score_class" or steps.behind == "nothing"):
            return steps if columns == "box_score_class" else replace(steps, columns=columns)
    raise ValueError("no column holds scores beside one of whole numbers")


def _with_behind(steps: BoxesSteps, outputs: Sequence[Mapping[str, NDArray[Any]]]) -> BoxesSteps:
    """Separate the columns that are no scores, if the first ones are shares and the last ones are not."""
    first = 4 if steps.form == "yolo_v8" else 5
    raw = [np.asarray(one[steps.boxes], np.float32) for one in outputs]
    if steps.form == "yolo_v8" and steps.channels == "first":
        raw = [values.transpose(0, 2, 1) for values in raw]
    columns = np.concatenate([values.reshape(-1, values.shape[-1]) for values in raw])[:, first:].T
    good = [_shares(column) for column in columns]
    scores = good.index(False) if False in good else len(good)
    if scores in (0, len(good)):
        return steps
    more = columns[scores:]
    update: dict[str, Any] = {"classes": scores}
    if len(more) == 1 and float(np.abs(more).max()) <= LARGEST_ANGLE:
        update["behind"] = "angle"
    elif len(more) % 3 == 0 and all(_shares(column) for column in more[2::3]):
        update["behind"] = "seen_points"
    return replace(steps, **update)


def _raw_scores(outputs: Mapping[str, NDArray[Any]], steps: BoxesSteps) -> list[Values]:
    whole = np.asarray(outputs[steps.boxes], np.float32)
    if steps.form == "yolo_v8":
        whole = whole.transpose(0, 2, 1) if steps.channels == "first" else whole
        return [whole[..., 4 : 4 + (steps.classes or whole.shape[-1])]]
    if steps.form == "yolo_v5":
        return [whole[..., 4 : 5 + (steps.classes or whole.shape[-1])]]
    return [np.asarray(outputs[steps.scores], np.float32)] if steps.scores is not None else []


LEAST_LABELS, LEAST_VALUES = 3, 12
"""Smallest numbers of labels and values; with fewer, all may lie between 0 and 1 by chance."""

OFF = 0.05


def several_labels(values: Sequence[NDArray[np.float64]]) -> bool:
    """Return whether predictions (n, labels) for a few inputs are scores of several labels."""
    rows = [value.reshape(-1, value.shape[-1]) for value in values if value.ndim == 2]
    if not rows or rows[0].shape[1] < LEAST_LABELS or sum(row.size for row in rows) < LEAST_VALUES:
        return False
    shares = all(bool(((row > 0) & (row < 1)).all()) for row in rows)
    return shares and any(bool((np.abs(row.sum(axis=1) - 1) > OFF).any()) for row in rows)
