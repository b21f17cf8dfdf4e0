"""Decode masks from a segmentation model's planes: the class of each pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..spec import MaskSteps


def decode(outputs: Mapping[str, NDArray[Any]], steps: MaskSteps) -> NDArray[np.float32]:
    """Return (n, height, width) float32 class numbers; with one plane 1 from the threshold on, else 0.

    A picture whose planes are not finite gets NaN.

    Raises:
        KeyError: The output is missing.
    """
    values = np.asarray(outputs[steps.output], np.float32)
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if steps.planes == "none":
        masks = values if steps.threshold is None else values >= _cut(steps)
    else:
        axis = 1 if steps.planes == "first" else -1
        one = values.shape[axis] == 1 or steps.threshold is not None
        masks = np.take(values, -1, axis=axis) >= _cut(steps) if one else values.argmax(axis=axis)
    masks = np.asarray(masks, np.float32)
    masks[~finite] = np.nan
    return masks


def _cut(steps: MaskSteps) -> float:
    """Return the threshold for the model's raw values."""
    share = 0.5 if steps.threshold is None else steps.threshold
    return float(np.log(share / (1 - share))) if steps.activation == "sigmoid" else share
