"""What models find, as boxes and masks over the picture that is shown."""

from collections.abc import Sequence
from dataclasses import replace

from widgets.parts.pictures import BoxSide, BoxValue, PictureValue
from workers.contracts.data.seen import SeenBox


def boxed(picture: PictureValue, original: Sequence[SeenBox] = (), optimized: Sequence[SeenBox] = ()) -> PictureValue:
    """The same picture with both models' boxes."""
    sides: tuple[tuple[BoxSide, Sequence[SeenBox]], ...] = (("original", original), ("optimized", optimized))
    boxes = tuple(BoxValue(seen.box, f"{seen.name} {seen.score:.2f}", side) for side, found in sides for seen in found)
    return replace(picture, boxes=boxes) if boxes else picture


def masked(picture: PictureValue, original: PictureValue, optimized: PictureValue | None = None) -> PictureValue:
    """The same picture with what the original marks in it, and with what the optimized version does."""
    if not original.is_picture:
        return picture
    has_both = optimized is not None and optimized.is_picture
    return replace(picture, mask=original, mask_after=optimized if has_both else None)
