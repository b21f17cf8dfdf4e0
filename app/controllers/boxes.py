"""What a detector finds, as boxes over the picture that is shown."""

from collections.abc import Sequence
from dataclasses import replace

from widgets.parts.pictures import BoxSide, BoxValue, PictureValue
from workers.contracts.data.seen import SeenBox


def boxed(picture: PictureValue, original: Sequence[SeenBox] = (), optimized: Sequence[SeenBox] = ()) -> PictureValue:
    """The same picture with both models' boxes."""
    sides: tuple[tuple[BoxSide, Sequence[SeenBox]], ...] = (("original", original), ("optimized", optimized))
    boxes = tuple(BoxValue(seen.box, f"{seen.name} {seen.score:.2f}", side) for side, found in sides for seen in found)
    return replace(picture, boxes=boxes) if boxes else picture
