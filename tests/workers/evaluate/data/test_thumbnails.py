"""Small pictures of a range of examples: drawn in a worker, in the order in which the set counts them."""

import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from app.services.data.examples import read_items
from workers.contracts.data.thumbnails import ThumbnailsParams, ThumbnailsResult
from workers.contracts.jobs import DataParams


def test_thumbnails_of_a_range_are_drawn(
    tmp_path: Path, model_dir: Callable[[str], Path], job: Callable[..., Any]
) -> None:
    """Given pictures of many modes, one of which is deleted after reading, When some are drawn, Then each is a small
    JPEG of the right colors, and the missing one leaves an empty place."""
    folder = tmp_path / "set" / "cat"
    folder.mkdir(parents=True)
    modes = ["RGB", "L", "CMYK", "RGBA", "P", "1", "I;16"] * 3
    for number, mode in enumerate(modes):
        values = np.random.default_rng(number).integers(0, 256, (300, 200, 3), np.uint8)
        picture = Image.fromarray(values)
        if mode == "I;16":
            picture = Image.fromarray(values[:, :, 0].astype(np.uint16) * 257)
        picture = picture if mode == "I;16" else picture.convert(mode)
        picture.save(folder / f"{number:02d}.{'tif' if mode == 'CMYK' else 'png'}")
    model = model_dir("pictures")
    _, work = job("data", DataParams(model_dir=str(model), path=str(tmp_path / "set")))
    items = read_items(work / "data")
    assert len(items) == len(modes) and [item.is_test for item in items] == sorted(
        (item.is_test for item in items), reverse=True
    )
    assert {item.label for item in items} == {"cat, tabby cat"}
    (tmp_path / "set" / items[3].source).unlink()
    params = ThumbnailsParams(
        model_dir=str(model), data_dir=str(work / "data"), path=str(tmp_path / "set"), first=2, count=5
    )
    result, at = job("thumbnails", params)
    assert isinstance(result, ThumbnailsResult)
    content, ends = (at / result.file).read_bytes(), (0, *result.ends)
    pieces = [content[start:end] for start, end in itertools.pairwise(ends)]
    assert [bool(piece) for piece in pieces] == [True, False, True, True, True]
    with Image.open(io.BytesIO(pieces[0])) as picture:
        assert picture.format == "JPEG" and max(picture.size) == 96
