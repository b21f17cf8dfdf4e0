"""Read files of arrays (NPY, NPZ): sizes are checked in their headers before unpacking, and nothing is unpickled."""

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
from .words import WordedError

FREE_BYTES, BYTES_A_FILE_BYTE = 64 << 20, 16
"""Memory limit of a file's arrays: a fixed part, and a part per byte of the file."""
_HEADER_BYTES = 16_384
_ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
_DAMAGE = (*PARSER_ERRORS, zipfile.BadZipFile, LZMAError, tokenize.TokenError)


class ArrayFileError(WordedError, ValueError):
    """Error: a file of arrays is not read; the text is a sentence about the file."""

    def __init__(self, template: str, *facts: object, code: str = "damage") -> None:
        """Create an error; `code` is "objects", "size" or "damage"."""
        super().__init__(template, *facts)
        self.code = code


@dataclass(frozen=True)
class ArrayHeader:
    """Shape and dtype of one array in a file."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size_bytes(self) -> int:
        """Return the memory that the array needs."""
        return math.prod(self.shape) * self.dtype.itemsize


def npz_of(path: Path) -> Path | None:
    """Return the file itself, or the only NPZ of a folder."""
    if path.is_file():
        return path if path.suffix.lower() == ".npz" else None
    files = sorted(path.glob("*.npz")) if path.is_dir() else []
    return files[0] if len(files) == 1 else None


def headers_of(path: Path) -> dict[str, ArrayHeader]:
    """Return the header of each array of an NPZ by its name.

    Raises:
        ArrayFileError: The file is damaged or refused.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {_name(info): _member(archive, info) for info in _members(archive)}
    except ArrayFileError:
        raise
    except _DAMAGE as error:
        raise ArrayFileError("It is damaged ({0}).", error) from error


def load_arrays(path: Path, most_bytes: int | None = None) -> NDArray[Any] | dict[str, NDArray[Any]]:
    """Return the array of an NPY, or all arrays of an NPZ by name.

    Args:
        path: The file.
        most_bytes: Limit of all arrays together; None derives it from the size of the file.

    Raises:
        ArrayFileError: The file is damaged or refused; arrays over the limit are refused before they are unpacked.
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
                raise ArrayFileError("It is damaged: it is shorter than its header states.")
            file.seek(0)
            return _readable(np.asarray(npy.read_array(file, allow_pickle=False)))
    except ArrayFileError:
        raise
    except _DAMAGE as error:
        raise ArrayFileError("It is damaged ({0}).", error) from error


def _unpacked(path: Path, most_bytes: int) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(path) as archive:
        members = _members(archive)
        total = sum(_member(archive, info).size_bytes for info in members)
        if total > most_bytes:
            raise ArrayFileError("It holds {0:,} MB of arrays, which is too much.", total >> 20, code="size")
        arrays = {}
        for info in members:
            with archive.open(info) as file:
                arrays[_name(info)] = _readable(np.asarray(npy.read_array(file, allow_pickle=False)))
        return arrays


def _readable(values: NDArray[Any]) -> NDArray[Any]:
    """Return the array; refuse texts with code points that Unicode lacks, on which Python raises SystemError."""
    if values.dtype.kind == "U" and values.nbytes:
        codes = np.ascontiguousarray(values).reshape(-1).view(np.dtype(np.uint32).newbyteorder(values.dtype.byteorder))
        if bool(((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes <= 0xDFFF))).any()):
            raise ArrayFileError("It is damaged: a text has characters that do not exist.")
    return values


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the members that hold arrays; others are never unpacked."""
    return [info for info in archive.infolist() if info.filename.endswith(".npy")]


def _name(info: zipfile.ZipInfo) -> str:
    return info.filename.removesuffix(".npy")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> ArrayHeader:
    with archive.open(info) as file:
        header = _header(file)
    if header.size_bytes > info.file_size:
        raise ArrayFileError("It is damaged: {0!r} is shorter than its header states.", info.filename[:80])
    return header


def _header(file: IO[bytes]) -> ArrayHeader:
    start = io.BytesIO(file.read(_HEADER_BYTES))  # numpy would read as much as the header declares
    version = npy.read_magic(start)
    shape, _, dtype = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(start)
    if dtype.hasobject:
        raise ArrayFileError("It holds Python objects, which could run code when they are opened.", code="objects")
    if min(shape, default=0) < 0:
        raise ArrayFileError("It is damaged: an array has a size below 0.")
    return ArrayHeader(tuple(shape), dtype)
