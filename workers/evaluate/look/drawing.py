"""Convert prepared inputs back to pictures that can be displayed and changed, and save small pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workers.pipeline.spec import ImageSteps

if TYPE_CHECKING:
    from PIL.Image import Image


def drawn(prepared: NDArray[Any], steps: ImageSteps) -> NDArray[np.uint8]:
    """Return a prepared picture (1, …) as (H, W, 3) or (H, W) uint8, with the last preprocessing steps undone."""
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
    """Return an array (1, …) of one or three channels as (H, W) or (H, W, 3) uint8.

    The lowest number becomes black and the highest white. Returns None for other numbers of channels, and for numbers
    that are not finite.
    """
    values = np.asarray(prepared[0], np.float64)
    if steps.layout == "nchw":
        values = values.transpose(1, 2, 0)
    if values.shape[2] not in (1, 3) or not values.size or not np.isfinite(values).all():
        return None
    low, high = values.min(), values.max()
    bits: NDArray[np.uint8] = np.rint((values - low) / max(high - low, 1e-12) * 255).astype(np.uint8)
    return bits[:, :, 0] if bits.shape[2] == 1 else bits


def save_small(picture: "Image", side_px: int, work_dir: Path, name: str) -> str:
    """Save a picture of at most `side_px` pixels a side as `name` below the work folder, and return `name`."""
    picture.thumbnail((side_px, side_px))
    path = work_dir / name
    path.parent.mkdir(exist_ok=True)
    picture.save(path)
    return name
