"""Read the sizes of one item in the user's data from the headers of an NPZ file, without loading arrays."""

from pathlib import Path

from workers.pipeline.array_files import ArrayFileError, headers_of
from workers.pipeline.arrays import NUMBERS

MAX_ARRAYS = 100


def item_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return {array name: sizes without the first axis, which counts items}.

    Return {} for data of other formats and for unreadable files; reading the data reports what is wrong with them.
    """
    file = _npz(path)
    if file is None:
        return {}
    try:
        headers = list(headers_of(file).items())[:MAX_ARRAYS]
    except ArrayFileError:
        return {}
    return {name: one.shape[1:] for name, one in headers if one.shape and one.dtype.kind in NUMBERS}


def _npz(path: Path) -> Path | None:
    """Return the file itself, or the only one of a folder."""
    if path.is_file():
        return path if path.suffix.lower() == ".npz" else None
    files = sorted(path.glob("*.npz")) if path.is_dir() else []
    return files[0] if len(files) == 1 else None
