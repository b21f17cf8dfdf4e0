"""Show the built-in sample on the first page, without numpy: the window is painted before numpy is imported."""

import ast
import zipfile

from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QImage, QImageWriter

from presets.sample import SamplePaths, sample_paths
from widgets.pages.model.value import SampleValue
from widgets.parts.pictures import PictureValue
from workers.contracts.translation import _

SAMPLE_S = 60.0
"""Approximate time of the whole workflow on two cores, in seconds; the page says "about"."""

KINDS = 10
NPY_MAGIC = b"\x93NUMPY\x01\x00"
Damaged = (OSError, ValueError, KeyError, SyntaxError, IndexError, zipfile.BadZipFile)


def sample_or_none() -> SamplePaths | None:
    """Return the paths of the sample; None if the installation lacks it, and the page then shows the drop area."""
    try:
        return sample_paths()
    except FileNotFoundError:
        return None


def sample_value(paths: SamplePaths) -> SampleValue:
    """Return the sample with one picture of each class; a damaged file shows no pictures."""
    return SampleValue(
        about=_(
            "A small model that recognizes 10 kinds of clothes, with pictures. Make it faster, see "
            "what changed, and export a bundle that runs on its own. Works without internet."
        ),
        seconds=SAMPLE_S,
        pictures=tuple(_pictures(paths)),
    )


StoredArray = tuple[str, tuple[int, ...], bytes]
"""One array of an NPZ file: numpy's type name, the shape, and the bytes in C order."""


def _pictures(paths: SamplePaths) -> list[PictureValue]:
    try:
        with zipfile.ZipFile(paths.data) as archive:
            pictures, labels, names = (_stored(archive, name) for name in ("x", "y", "classes"))
        kinds, titles = _numbers(labels), _texts(names)
        firsts = [kinds.index(kind) for kind in range(min(KINDS, len(titles))) if kind in kinds]
        return [PictureValue(data=_png(pictures, at), name=titles[kinds[at]]) for at in firsts]
    except Damaged:
        return []


def _stored(archive: zipfile.ZipFile, name: str) -> StoredArray:
    """Read an array in version 1.0 of numpy's file format: magic, two length bytes, a Python literal, the data."""
    raw = archive.read(f"{name}.npy")
    if not raw.startswith(NPY_MAGIC):
        raise ValueError(name)
    start = len(NPY_MAGIC) + 2
    end = start + int.from_bytes(raw[start - 2 : start], "little")
    head = ast.literal_eval(raw[start:end].decode("latin-1").strip())
    return str(head["descr"]), tuple(head["shape"]), raw[end:]


def _numbers(stored: StoredArray) -> list[int]:
    dtype, _unused, data = stored
    width = int(dtype[2:])
    return [int.from_bytes(data[at : at + width], "little") for at in range(0, len(data), width)]


def _texts(stored: StoredArray) -> list[str]:
    dtype, _unused, data = stored
    width = 4 * int(dtype[2:])
    pieces = (data[at : at + width] for at in range(0, len(data), width))
    return [piece.decode("utf-32-le").rstrip("\0") for piece in pieces]


def _png(pictures: StoredArray, at: int) -> bytes:
    """Encode one uint8 (height, width) picture as PNG."""
    _unused, (_count, height, width), data = pictures
    size = height * width
    image = QImage(data[at * size : (at + 1) * size], width, height, width, QImage.Format.Format_Grayscale8)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(buffer.data().data())
