"""Provide the parts of changes to pictures. Pictures are float32 (H, W, C) in 0..1.

Severities are those of ImageNet-C (Hendrycks and Dietterich 2019, arXiv 1903.12261; hendrycks/robustness), made for 224
pixels. Lengths in pixels are scaled to the picture's shorter side.
"""

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.stress.base import Floats, Generator

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE_PX = 224


def scale_of(picture: Floats) -> float:
    """Return the shorter side of a picture relative to ImageNet-C's pictures."""
    return float(min(picture.shape[:2])) / SIDE_PX


def clipped(values: NDArray[Any]) -> Floats:
    """Return the values clipped to 0..1, as float32."""
    return np.asarray(np.clip(values, 0.0, 1.0), np.float32)


def gray_of(picture: Floats) -> Floats:
    """Return the lightness (H, W, 1) of a picture (ITU-R BT.601)."""
    if picture.shape[2] == 1:
        return picture
    return (picture @ np.asarray([0.299, 0.587, 0.114], np.float32))[:, :, None]


def gaussian(picture: NDArray[Any], sigma_px: float) -> Floats:
    """Blur a picture within its plane, with reflected edges."""
    from scipy.ndimage import gaussian_filter

    sigmas = (sigma_px, sigma_px) + (0.0,) * (picture.ndim - 2)
    return np.asarray(gaussian_filter(picture, sigmas, mode="reflect"), np.float32)


def disk_blur(picture: Floats, radius_px: float) -> Floats:
    """Convolve a picture with a disk that has a smooth edge."""
    from scipy.signal import fftconvolve

    reach = max(1, math.ceil(radius_px))
    grid = np.arange(-reach, reach + 1)
    kernel = np.clip(radius_px + 0.5 - np.hypot(grid[:, None], grid[None, :]), 0, 1)
    kernel = (kernel / kernel.sum()).astype(np.float32)  # transforms of 32 bits take half the time
    mode: Literal["reflect", "edge"] = "reflect" if min(picture.shape[:2]) > reach else "edge"
    padded = np.pad(picture, ((reach, reach), (reach, reach), (0, 0)), mode=mode)
    return np.asarray(fftconvolve(padded, kernel[:, :, None], mode="valid", axes=(0, 1)), np.float32)


def motion_blur(picture: NDArray[Any], radius_px: float, sigma_px: float, angle_deg: float) -> Floats:
    """Add weighted copies along a line: half a Gaussian, as a camera that moves during the exposure records it."""
    steps = np.arange(max(2, round(radius_px)) + 1)
    weights = np.exp(-(steps**2) / (2 * max(sigma_px, 0.5) ** 2))
    weights /= weights.sum()
    reach = len(steps)
    padded = np.pad(picture, ((reach, reach), (reach, reach)) + ((0, 0),) * (picture.ndim - 2), mode="edge")
    height, width = picture.shape[:2]
    out = np.zeros_like(picture, dtype=np.float64)
    radians = math.radians(angle_deg)
    for step, weight in zip(steps.tolist(), weights.tolist(), strict=True):
        down, right = reach + round(step * math.sin(radians)), reach + round(step * math.cos(radians))
        out += weight * padded[down : down + height, right : right + width]
    return out.astype(np.float32)


def zoomed(picture: NDArray[Any], factor: float) -> Floats:
    """Return the center enlarged by `factor`, with the same shape (H, W) or (H, W, C)."""
    from PIL import Image

    height, width = picture.shape[:2]
    down, right = height * (1 - 1 / factor) / 2, width * (1 - 1 / factor) / 2
    box = (right, down, width - right, height - down)
    planes = picture[..., None] if picture.ndim == 2 else picture
    enlarged = [
        np.asarray(Image.fromarray(planes[..., c]).resize((width, height), Image.Resampling.BILINEAR, box), np.float32)
        for c in range(planes.shape[2])
    ]
    return np.stack(enlarged, axis=2).reshape(picture.shape)


def plasma(shape: tuple[int, int], decay: float, rng: Generator) -> Floats:
    """Return cloud-like noise (H, W) in 0..1: octaves of random grids, each weaker by `decay` than the coarser one."""
    from PIL import Image

    height, width = shape
    total = np.zeros(shape, np.float32)
    cells, weight = 2, 1.0
    while cells < max(shape) * 2:
        grid = rng.random((cells, cells), dtype=np.float32)
        fine = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
        total += weight * np.asarray(fine, np.float32)
        cells, weight = cells * 2, weight / decay
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(high - low, 1e-6)


def to_image(picture: Floats) -> "Image":
    """Return the picture with 8 bits per value, as a file stores it."""
    from PIL import Image

    values = np.clip(np.round(picture * 255), 0, 255).astype(np.uint8)
    return Image.fromarray(values[:, :, 0] if values.shape[2] == 1 else values)
