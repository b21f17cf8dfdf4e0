"""Sizes of one item in a person's data, read off the headers of an NPZ file: no array is loaded."""

import zipfile
from pathlib import Path

from numpy.lib import format as npy

MAX_ARRAYS = 100


def item_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """{name of an array: sizes without the first axis, which counts items}; {} for data of other kinds, and for files
    that cannot be read: reading the data itself says what is wrong with them."""
    file = _npz(path)
    if file is None:
        return {}
    found = {}
    try:
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist()[:MAX_ARRAYS]:
                shape = _shape(archive, name)
                if shape:
                    found[name.removesuffix(".npy")] = shape[1:]
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return {}
    return found


def _npz(path: Path) -> Path | None:
    """The file itself, or the only one of a folder."""
    if path.is_file():
        return path if path.suffix.lower() == ".npz" else None
    files = sorted(path.glob("*.npz")) if path.is_dir() else []
    return files[0] if len(files) == 1 else None


def _shape(archive: zipfile.ZipFile, name: str) -> tuple[int, ...]:
    if not name.endswith(".npy"):
        return ()
    with archive.open(name) as file:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(file)
    return tuple(shape) if dtype.kind in "biufc" else ()
