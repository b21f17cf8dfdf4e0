"""Write previews of up to 24 items. Pictures are reduced here, in the worker, so that the window opens no file."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workers.contracts.process.context import JobContext
from workers.evaluate.data.base import Entry, Sample
from workers.evaluate.data.dataset import DataSet
from workers.evaluate.data.store import StoredData, StoredItem, is_added
from workers.pipeline.spec import PipelineError

if TYPE_CHECKING:
    from PIL.Image import Image

MOST = 24
SIDE = 160
TEXT = 300
FOLDER = "previews"


def write_previews(folder: Path, data: DataSet, stored: StoredData, ctx: JobContext) -> tuple[tuple[str, str], ...]:
    """Return previews and label names of items from all classes in turn.

    A preview is a PNG below the data folder, a text, or a name.
    """
    previews = []
    theirs = [kept for kept in stored.test if not is_added(kept)]
    for number, kept in enumerate(_in_turn(theirs or stored.calibration)):
        ctx.check_cancelled()
        label = data.class_name(kept.ids[0]) if kept.ids else ""
        shown = kept.entry.text[:TEXT] if kept.entry.text is not None else kept.entry.source
        if data.kind == "images" and (picture := thumbnail_of(kept.entry, SIDE)) is not None:
            shown = f"{FOLDER}/{number:02d}.png"
            (folder / FOLDER).mkdir(exist_ok=True)
            picture.save(folder / shown)
        previews.append((shown, label))
    return tuple(previews)


def _in_turn(items: list[StoredItem]) -> Iterator[StoredItem]:
    """Yield items of all classes in turn: the first of each class, then the second of each, and so on."""
    groups: dict[int | None, list[StoredItem]] = defaultdict(list)
    for kept in items:
        groups[kept.ids[0] if kept.ids else None].append(kept)
    rows = (group[row] for row in range(MOST) for group in groups.values() if row < len(group))
    for _, kept in zip(range(MOST), rows, strict=False):
        yield kept


def thumbnail_of(entry: Entry, side_px: int) -> "Image | None":
    """Return a picture with at most `side_px` pixels a side, RGB or gray.

    None if there is none or it cannot be read.
    """
    try:
        picture = picture_to_show(entry.open())
    except (PipelineError, OSError, ValueError):
        return None
    if picture is not None:
        picture.thumbnail((side_px, side_px))
    return picture


def picture_to_show(sample: Sample) -> "Image | None":
    """Return the picture of a sample: a file or an array of 8 bits, alone or by its name; None for other samples.

    Raises:
        PipelineError: If the picture cannot be read.
    """
    from workers.pipeline.images import open_picture, picture_from_array

    if isinstance(sample, Path):
        return open_picture(sample)
    if isinstance(sample, Mapping):
        sample = next(iter(sample.values())) if len(sample) == 1 else ""
    return picture_from_array(sample) if isinstance(sample, np.ndarray) and sample.ndim in (2, 3) else None
