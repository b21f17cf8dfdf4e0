"""Find one small detail that some pictures share and the others lack, which is how a planted trigger looks."""

import numpy as np

from workers.evaluate.stress.base import Floats

SAME, SHARING = 0.06, 0.85
"""A value (of 0..1) is equal within this distance of the median, which is about what JPEG changes. This share of the
pictures must agree, since one or two of a cluster may be there for other reasons.
"""
LIKE = 0.06
"""Another picture shows the detail if its mean absolute difference is below this."""
OTHERS_WITH_IT = 0.10
CONTRAST = 0.25
"""Least difference between values of the detail, so that an empty background does not count. (A patch of one color is
found only if its surroundings are equal in all pictures, too.)
"""


Window = tuple[slice, slice]
"""Rows and columns of pictures."""


def common_patch(some: Floats, others: Floats) -> tuple[Window, str] | None:
    """Return the window that is equal in nearly all pictures of `some`, with its place in words, or None.

    The window has contrast and appears in at most a tenth of `others`. Both arrays are (n, H, W, C) in 0..1.
    """
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
            return window, place_in_words((top + half) / height, (left + half) / width)
    return None


def place_in_words(down: float, right: float) -> str:
    """Return a place in words: "bottom right corner", "top edge", "middle"; `down` and `right` are shares, 0..1."""
    row = "top" if down < 1 / 3 else "bottom" if down > 2 / 3 else ""
    column = "left" if right < 1 / 3 else "right" if right > 2 / 3 else ""
    if row and column:
        return f"{row} {column} corner"
    return f"{row or column} edge" if row or column else "middle"
