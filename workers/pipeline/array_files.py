"""Files of arrays (NPY, NPZ): sizes are read off their headers before anything is unpacked; nothing is unpickled."""

from __future__ import annotations

import io
import math
import tokenize
import zipfile
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from .spec import PARSER_ERRORS

FREE_BYTES, BYTES_A_FILE_BYTE = 64 << 20, 16
"""Memory that the arrays of any file may take, and what each byte of the file adds."""
_HEADER_BYTES = 16_384
_ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
_DAMAGE = (*PARSER_ERRORS, zipfile.BadZipFile, LZMAError, tokenize.TokenError)


class ArrayFileError(ValueError):
    """A file of arrays that is not read; the text goes on after its name. `code`: "objects", "size" or "damage"."""

    def __init__(self, why: str, code: str = "damage") -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True)
class ArrayHeader:
    """What the file says of one array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size_bytes(self) -> int:
        """Memory that the array takes."""
        return math.prod(self.shape) * self.dtype.itemsize


def headers_of(path: Path) -> dict[str, ArrayHeader]:
    """Return the header of each array of an NPZ by its name. Raises ArrayFileError."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {_name(info): _member(archive, info) for info in _members(archive)}
    except ArrayFileError:
        raise
    except _DAMAGE as error:
        raise ArrayFileError(f"is damaged ({error})") from error


def load_arrays(path: Path, most_bytes: int | None = None) -> NDArray[Any] | dict[str, NDArray[Any]]:
    """Return the array of an NPY, or all arrays of an NPZ by name, of at most `most_bytes` together.

    Raises ArrayFileError, before the arrays are unpacked where their headers say too much.
    """
    try:
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            if file.read(4) in _ZIP_MARKS:
                return _unpacked(
                    path, FREE_BYTES + BYTES_A_FILE_BYTE * size_bytes if most_bytes is None else most_bytes
                )
            file.seek(0)
            if _header(file).size_bytes > size_bytes:
                raise ArrayFileError("is damaged (it is shorter than it says)")
            file.seek(0)
            return np.asarray(npy.read_array(file, allow_pickle=False))
    except ArrayFileError:
        raise
    except _DAMAGE as error:
        raise ArrayFileError(f"is damaged ({error})") from error


def _unpacked(path: Path, most_bytes: int) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(path) as archive:
        members = _members(archive)
        total = sum(_member(archive, info).size_bytes for info in members)
        if total > most_bytes:
            raise ArrayFileError(f"holds {total >> 20:,} MB of arrays, which is too much", "size")
        arrays = {}
        for info in members:
            with archive.open(info) as file:
                arrays[_name(info)] = np.asarray(npy.read_array(file, allow_pickle=False))
        return arrays


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Members that hold arrays; others are never unpacked."""
    return [info for info in archive.infolist() if info.filename.endswith(".npy")]


def _name(info: zipfile.ZipInfo) -> str:
    return info.filename.removesuffix(".npy")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> ArrayHeader:
    with archive.open(info) as file:
        header = _header(file)
    if header.size_bytes > info.file_size:
        raise ArrayFileError(f"is damaged ({info.filename[:80]!r} is shorter than it says)")
    return header


def _header(file: IO[bytes]) -> ArrayHeader:
    start = io.BytesIO(file.read(_HEADER_BYTES))  # numpy would read as much as the file says
    version = npy.read_magic(start)
    shape, _, dtype = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(start)
    if dtype.hasobject:
        raise ArrayFileError("holds Python objects, which could run code when they are opened", "objects")
    if min(shape, default=0) < 0:
        raise ArrayFileError("is damaged (an array has a size below 0)")
    return ArrayHeader(tuple(shape), dtype)
