"""Sizes of one item in a person's data, read off the headers of an NPZ file: no array is loaded."""

from pathlib import Path

from workers.pipeline.array_files import ArrayFileError, headers_of
from workers.pipeline.arrays import NUMBERS

MAX_ARRAYS = 100


def item_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """{name of an array: sizes without the first axis, which counts items}; {} for data of other kinds, and for files
    that cannot be read: reading the data itself says what is wrong with them."""
    file = _npz(path)
    if file is None:
        return {}
    try:
        headers = list(headers_of(file).items())[:MAX_ARRAYS]
    except ArrayFileError:
        return {}
    return {name: one.shape[1:] for name, one in headers if one.shape and one.dtype.kind in NUMBERS}


def _npz(path: Path) -> Path | None:
    """The file itself, or the only one of a folder."""
    if path.is_file():
        return path if path.suffix.lower() == ".npz" else None
    files = sorted(path.glob("*.npz")) if path.is_dir() else []
    return files[0] if len(files) == 1 else None
