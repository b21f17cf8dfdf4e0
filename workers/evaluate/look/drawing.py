"""Prepared inputs back as pictures to look at, and to change."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.pipeline.spec import ImageSteps


def drawn(prepared: NDArray[Any], steps: ImageSteps) -> NDArray[np.uint8]:
    """A prepared picture (1, …) back as (H, W, 3) or (H, W) of 8 bits: the last preprocessing steps undone."""
    values = np.asarray(prepared[0], np.float32)
    if steps.layout == "nchw":
        values = values.transpose(1, 2, 0)
    values = values * np.asarray(steps.std, np.float32) + np.asarray(steps.mean, np.float32)
    if steps.range == "0..1":
        values = values * np.float32(255)
    if steps.channels == "bgr":
        values = values[:, :, ::-1]
    bits = np.clip(np.round(values), 0, 255).astype(np.uint8)
    return bits[:, :, 0] if bits.shape[2] == 1 else bits


def stretched(prepared: NDArray[Any], steps: ImageSteps) -> NDArray[np.uint8] | None:
    """An array (1, …) of one or three channels as (H, W) or (H, W, 3): its lowest number black, its highest white. None
    where it has other channels, or numbers that are not finite."""
    values = np.asarray(prepared[0], np.float64)
    if steps.layout == "nchw":
        values = values.transpose(1, 2, 0)
    if values.shape[2] not in (1, 3) or not values.size or not np.isfinite(values).all():
        return None
    low, high = values.min(), values.max()
    bits: NDArray[np.uint8] = np.rint((values - low) / max(high - low, 1e-12) * 255).astype(np.uint8)
    return bits[:, :, 0] if bits.shape[2] == 1 else bits
