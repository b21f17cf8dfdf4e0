"""From outputs that nobody reads as they are to answers: one module a kind. Copied into bundles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..spec import Postprocess
from .boxes import decode, heads_of


def postprocessed(
    outputs: Mapping[str, NDArray[Any]], steps: Postprocess, size: tuple[int, int]
) -> NDArray[np.float32]:
    """The answers (n, …) of `outputs` by name; `size` is height and width of the model's input."""
    return decode(outputs, steps, size)


def raw_head(outputs: Mapping[str, NDArray[Any]], steps: Postprocess) -> NDArray[np.float32]:
    """(n, positions, channels): what `postprocessed` chooses from, before anything is chosen."""
    heads = heads_of(outputs, steps)
    return np.concatenate([heads.places, heads.scores], axis=2)
