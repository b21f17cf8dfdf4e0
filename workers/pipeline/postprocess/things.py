"""Convert boxes to objects for users: names, scores, places in their own picture, and the picture with boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..spec import BoxesSteps, ImageSteps, PipelineSpec
from .instances import unpacked_masks
from .matching import COLUMNS
from .turned import frames

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

COLORS = ("#e8590c", "#1971c2", "#2f9e44", "#9c36b5", "#c92a2a", "#0b7285", "#5f3dc4", "#846358")
"""Colors of the classes in turn, dark enough for white text."""


@dataclass(frozen=True)
class Thing:
    """One detected object.

    Attributes:
        number: Class number.
        name: Class name.
        score: 0..1.
        box: Left, top, right, bottom in pixels of the picture.
        mask: (cells, cells) bool within the box, if the model gives one.
    """

    number: int
    name: str
    score: float
    box: tuple[float, float, float, float]
    mask: NDArray[np.bool_] | None = None


def things_of(rows: NDArray[Any], spec: PipelineSpec, size: tuple[int, int] | None = None) -> list[Thing]:
    """Return the objects of boxes (k, 6 and more) from the score threshold on, best first.

    `size` is width and height of the user's picture; without it boxes stay in pixels of the model's input.
    """
    steps = spec.postprocess
    assert isinstance(steps, BoxesSteps)
    sure = rows[rows[:, 4] >= steps.score_threshold].astype(np.float64)
    corners = sure[:, :4]
    masks = unpacked_masks(sure[:, COLUMNS:]) if steps.behind == "mask" else [None] * len(sure)
    if steps.behind == "angle" and len(sure):
        corners = frames(corners, sure[:, -1])  # the frame is drawn and reported
    if size is not None and isinstance(spec.preprocess, ImageSteps):
        from ..images import placing_of

        back = placing_of(size, spec.preprocess).back(corners)
        corners = np.clip(back, 0, [size[0], size[1], size[0], size[1]])
    return [
        Thing(int(kind), _name(spec, int(kind)), float(score), (a, b, c, d), mask)
        for (a, b, c, d), score, kind, mask in zip(corners.tolist(), sure[:, 4], sure[:, 5], masks, strict=True)
    ]


def _name(spec: PipelineSpec, number: int) -> str:
    known = spec.classes is not None and 0 <= number < len(spec.classes)
    return spec.classes[number] if known and spec.classes is not None else f"class {number}"


def drawn_on(picture: Picture, things: Sequence[Thing]) -> Picture:
    """Return an RGB copy of the picture with each object's box, name and score."""
    from PIL import ImageDraw, ImageFont

    picture = picture.convert("RGB")
    draw = ImageDraw.Draw(picture)
    width = max(1, round(max(picture.size) / 320))
    font = ImageFont.load_default(max(10, round(max(picture.size) / 45)))
    for thing in reversed(things):  # the highest score on top
        color = COLORS[thing.number % len(COLORS)]
        if thing.mask is not None:
            _lay_over(picture, thing, color)
        draw.rectangle(thing.box, outline=color, width=width)
        words = f"{thing.name} {thing.score:.2f}"
        left, top, right, bottom = draw.textbbox((0, 0), words, font=font)
        high, wide = bottom - top + 2 * width, right - left + 4 * width
        x = min(max(0, thing.box[0]), max(0, picture.width - wide))
        y = thing.box[1] - high if thing.box[1] >= high else thing.box[1]
        draw.rectangle((x, y, x + wide, y + high), fill=color)
        draw.text((x + 2 * width - left, y + width - top), words, fill="white", font=font)
    return picture


def _lay_over(picture: Picture, thing: Thing, color: str) -> None:
    """Draw the object's mask half transparent."""
    from PIL import Image

    left, top, right, bottom = (round(side) for side in thing.box)
    if right <= left or bottom <= top or thing.mask is None:
        return
    cells = Image.fromarray(np.where(thing.mask, 128, 0).astype(np.uint8))
    picture.paste(
        color, (left, top, right, bottom), cells.resize((right - left, bottom - top), Image.Resampling.BILINEAR)
    )
