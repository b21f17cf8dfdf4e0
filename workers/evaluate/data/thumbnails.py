"""Run the job ``thumbnails``: decode a range of pictures in this sandbox, reduce them, and write them as JPEG."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workers.contracts.data.thumbnails import ThumbnailsParams, ThumbnailsResult
from workers.contracts.paths import from_text
from workers.contracts.process.context import JobContext, in_steps
from workers.contracts.translation import mark
from workers.evaluate.data.base import Entry, Options, Sample
from workers.evaluate.data.dataset import read_dataset
from workers.evaluate.data.sniff import read_collection
from workers.pipeline.spec import PipelineError
from workers.pipeline.spec_file import read_spec

if TYPE_CHECKING:
    from PIL.Image import Image

QUALITY = 85
STAGE = mark("Drawing small pictures")


def draw_thumbnails(params: ThumbnailsParams, ctx: JobContext) -> ThumbnailsResult:
    """Write the thumbnails of a range of items; a picture that cannot be drawn leaves an empty entry.

    Raises:
        InputRefused: If the data set cannot be used.
    """
    data = read_dataset(Path(params.data_dir))
    items = (*data.test, *data.calibration)[params.first : params.first + params.count]
    entries = _entries(params, {item.source for item in items})
    result = ThumbnailsResult(first=params.first, ends=())
    ends: list[int] = []
    with (ctx.work_dir / result.file).open("wb") as file:
        for item in in_steps(ctx, STAGE, items, "pictures"):
            entry = entries.get(item.source)
            file.write(_jpeg(entry, params.side_px) if entry is not None else b"")
            ends.append(file.tell())
    return result.model_copy(update={"ends": tuple(ends)})


def _entries(params: ThumbnailsParams, wanted: set[str]) -> dict[str, Entry]:
    """Return the entries of the wanted sources; if both sets use a name, that of `params.path` counts."""
    options = Options(read_spec(Path(params.model_dir)), params.text_column, params.label_column)
    paths = [path for path in (params.calibration_path, params.path) if path is not None]
    entries = (entry for path in paths for entry in read_collection(from_text(path), options).entries)
    return {entry.source: entry for entry in entries if entry.source in wanted}


def _jpeg(entry: Entry, side_px: int) -> bytes:
    picture = thumbnail_of(entry, side_px)
    if picture is None:
        return b""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


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
