"""Fill inputs that are not given: constants, masks of ones, type ids of zeros, ascending positions, states of zeros."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import dtype_of
from .spec import PipelineInput


def default_of(entry: PipelineInput, tokens: NDArray[Any], rows: int) -> NDArray[Any] | None:
    """Return the value of an input that was left out; None if it is required.

    Args:
        entry: The input.
        tokens: The main input (for texts the token ids, (n, tokens)).
        rows: Number of items in the main input.
    """
    if entry.source == "constant":
        return constant_of(entry, rows)
    if entry.source == "initial_state":
        return np.zeros(
            [rows if axis == entry.batch_axis else size or 1 for axis, size in enumerate(entry.shape)], dtype_of(entry)
        )
    if entry.source in ("attention_mask", "counted"):
        return np.ones(tokens.shape, dtype_of(entry))
    if entry.source == "token_type_ids":
        return np.zeros(tokens.shape, dtype_of(entry))
    if entry.source == "position_ids":
        return np.broadcast_to(np.arange(tokens.shape[-1], dtype=dtype_of(entry)), tokens.shape).copy()
    return None


def constant_of(entry: PipelineInput, rows: int) -> NDArray[Any]:
    """Return the constant in the input's shape, `rows` times if the batch size is free."""
    shape = tuple(rows if size is None and axis == 0 else size or 1 for axis, size in enumerate(entry.shape))
    return np.full(shape, entry.constant or 0, dtype=dtype_of(entry))
