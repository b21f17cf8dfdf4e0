"""Place names near lines and points so that they cover neither each other nor the frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

from PySide6.QtCore import QPointF, QRectF

FARTHEST_PX = 26.0
"""Largest distance in pixels from a name to its line; beyond it, readers relate the name to another line."""


@dataclass(frozen=True)
class Label:
    """A text of `width` × `height` for a mark that reaches from `top` to `bottom` at `x`; all in pixels.

    A line reaches `half_width` to the left and right of `x`, at the height `level`.
    """

    x: float
    top: float
    bottom: float
    width: float
    height: float
    above_first: bool = False
    sideways: bool = False
    half_width: float = 0.0
    level: float = 0.0


def _candidates(label: Label, frame: QRectF) -> list[QRectF]:
    left = min(max(label.x - label.width / 2, frame.left()), max(frame.left(), frame.right() - label.width))
    below = QRectF(left, label.bottom + 2, label.width, label.height)
    above = QRectF(left, label.top - label.height - 2, label.width, label.height)
    near = [above, below] if label.above_first else [below, above]
    further = [rect.translated(0, label.height * (1 if rect is below else -1)) for rect in near]
    shifted = [rect.translated(sign * label.width / 2, 0) for rect in near for sign in (-0.6, 0.6)]
    if label.half_width:
        at, reach = label.level - label.height / 2, label.half_width + 6
        after = QRectF(label.x + reach, at, label.width, label.height)
        before = QRectF(label.x - reach - label.width, at, label.width, label.height)
        under, over = (QRectF(left, label.level + gap, label.width, label.height) for gap in (1, -label.height - 1))
        rects = [*near, after, before, *shifted, *further, under, over]
        corners = [rect.translated(0, sign * label.height) for rect in (after, before, under, over) for sign in (1, -1)]
        close = [rect for rect in (*rects, *corners) if _gap_px(label, rect) <= FARTHEST_PX]
        return sorted(close, key=lambda rect: _gap_px(label, rect))
    if not label.sideways:
        return near + shifted + further
    middle = (label.top + label.bottom) / 2 - label.height / 2
    gap = (label.bottom - label.top) / 2 + 6
    right = QRectF(label.x + gap, middle, label.width, label.height)
    sides = [right, QRectF(label.x - gap - label.width, middle, label.width, label.height)]
    return near + sides + further


def _gap_px(label: Label, rect: QRectF) -> float:
    """Return the distance in pixels from a text to its line."""
    left, right = label.x - label.half_width, label.x + label.half_width
    across = max(0.0, rect.left() - right, left - rect.right())
    return hypot(across, max(0.0, label.level - rect.bottom(), rect.top() - label.level))


def place(
    labels: Sequence[Label], frame: QRectF, taken: Sequence[QRectF] = (), crossable: Sequence[QRectF] = ()
) -> list[QPointF | None]:
    """Return each label's center; None for a label without room. Earlier labels have the first choice.

    No label covers a rectangle in `taken`. A label covers one in `crossable` only if it is its own, or if there is no
    other room.
    """
    used = list(taken)
    spots: list[QPointF | None] = []
    for label in labels:
        inside = [rect for rect in _candidates(label, frame) if frame.contains(rect)]
        free = [rect for rect in inside if not any(rect.intersects(other) for other in used)]
        others = [other for other in crossable if not other.contains(label.x, label.level)]
        clear = (rect for rect in free if not any(rect.intersects(other) for other in others))
        rect = next(clear, next(iter(free), None))
        spots.append(None if rect is None else rect.center())
        if rect is not None:
            used.append(rect)
    return spots
