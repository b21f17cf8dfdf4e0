"""Add boxes and masks that models predict to a shown picture."""

from collections.abc import Sequence
from dataclasses import replace

from widgets.parts.pictures import PictureValue, SidedBox
from workers.contracts.data.seen import SeenBox


def boxed(picture: PictureValue, original: Sequence[SeenBox] = (), optimized: Sequence[SeenBox] = ()) -> PictureValue:
    """Return the picture with the boxes of both models."""
    before: tuple[SidedBox, ...] = tuple((seen, "original") for seen in original)
    after: tuple[SidedBox, ...] = tuple((seen, "optimized") for seen in optimized)
    return replace(picture, boxes=(*before, *after))


def masked(picture: PictureValue, original: PictureValue, optimized: PictureValue | None = None) -> PictureValue:
    """Return the picture with the mask of the original and, if there is one, of the optimized version."""
    if not original.is_picture:
        return picture
    has_both = optimized is not None and optimized.is_picture
    return replace(picture, mask=original, mask_after=optimized if has_both else None)
