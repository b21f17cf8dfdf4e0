"""One small detail that some pictures share and the others do not have: how a planted trigger looks."""

from dataclasses import dataclass

import numpy as np

from workers.evaluate.stress.base import Floats

SAME, SHARING = 0.06, 0.85
"""A value (of 0..1) is the same within this of the median, JPEG moves it about as much; so many pictures must agree,
since one or two of a cluster may have come there otherwise."""
LIKE = 0.06
"""Mean absolute difference below which another picture shows the detail, too."""
OTHERS_WITH_IT = 0.10
CONTRAST = 0.25
"""Least difference between values of the detail: an empty background is none. (A patch of one color is only seen where
what lies around it is the same in all pictures, too.)"""


@dataclass(frozen=True)
class Patch:
    """`place` is in words ("bottom right corner"); top, left and the window's side in pixels."""

    top_px: int
    left_px: int
    side_px: int
    place: str


def common_patch(some: Floats, others: Floats) -> Patch | None:
    """The window that is the same in nearly all of `some` (n, H, W, C), has contrast, and is in a tenth of `others` at
    most; None where there is none."""
    from scipy.ndimage import maximum_filter, minimum_filter

    height, width = some.shape[1:3]
    side = max(3, min(height, width) // 14)
    if min(height, width) < 2 * side or len(some) < 2:
        return None
    usual = np.median(some, axis=0)
    shared = (np.abs(some - usual) <= SAME).all(axis=-1).mean(axis=0)
    steady = minimum_filter(shared, size=side, mode="nearest") >= SHARING
    lightness = usual.mean(axis=-1)
    contrast = maximum_filter(lightness, size=side) - minimum_filter(lightness, size=side)
    half = side // 2
    inside = np.zeros_like(steady)
    inside[half : height - (side - half) + 1, half : width - (side - half) + 1] = True
    candidates = np.argwhere(steady & inside & (contrast >= CONTRAST))
    order = np.argsort([-shared[row, column] for row, column in candidates], kind="stable")
    for row, column in candidates[order][:200]:
        top, left = int(row) - half, int(column) - half
        window = (slice(top, top + side), slice(left, left + side))
        apart = np.abs(others[:, window[0], window[1]] - usual[window]).mean(axis=(1, 2, 3))
        if len(others) and float((apart < LIKE).mean()) <= OTHERS_WITH_IT:
            return Patch(top, left, side, place_in_words((top + half) / height, (left + half) / width))
    return None


def place_in_words(down: float, right: float) -> str:
    """Of shares of the height and the width: "bottom right corner", "top edge", "middle"."""
    row = "top" if down < 1 / 3 else "bottom" if down > 2 / 3 else ""
    column = "left" if right < 1 / 3 else "right" if right > 2 / 3 else ""
    if row and column:
        return f"{row} {column} corner"
    return f"{row or column} edge" if row or column else "middle"
