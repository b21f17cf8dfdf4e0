"""Convert outputs that users cannot read directly to predictions, one module per kind; copied into bundles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..spec import BoxesSteps, MaskSteps, Postprocess, TranscriptSteps
from . import masks, transcripts
from .boxes import decode, heads_of


def postprocessed(
    outputs: Mapping[str, NDArray[Any]], steps: Postprocess, size: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the predictions (n, …) of `outputs` by name; `size` is height and width of the model's input."""
    if isinstance(steps, MaskSteps):
        return masks.decode(outputs, steps)
    if isinstance(steps, TranscriptSteps):
        return transcripts.decode(outputs, steps)
    return decode(outputs, steps, size)


def raw_head(outputs: Mapping[str, NDArray[Any]], steps: Postprocess) -> NDArray[np.float32]:
    """Return (n, positions, channels) float32: the values before `postprocessed` selects from them."""
    if not isinstance(steps, BoxesSteps):
        values = np.asarray(outputs[steps.output], np.float32)
        if isinstance(steps, MaskSteps) and steps.planes != "last":
            values = np.moveaxis(values, 1, -1) if steps.planes == "first" else values[..., None]
        return values.reshape(len(values), -1, values.shape[-1])
    heads = heads_of(outputs, steps)
    parts = (heads.places, heads.scores, heads.behind)
    return np.concatenate([part for part in parts if part is not None], axis=2)
