"""The built-in sample as the first page shows it."""

import zipfile

import numpy as np
from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QImage, QImageWriter

from app.controllers.words import tr
from presets.sample import SamplePaths, sample_paths
from widgets.pages.values import SampleValue
from widgets.parts.pictures import PictureValue

SAMPLE_S = 60.0
"""About as long as the whole way takes on two cores; the page says "about"."""

KINDS = 10


def sample_or_none() -> SamplePaths | None:
    """None where the installation lacks it: the page then leads with the drop area."""
    try:
        return sample_paths()
    except FileNotFoundError:
        return None


def sample_value(paths: SamplePaths) -> SampleValue:
    """One picture of each kind. The file is our own; a damaged one shows no pictures."""
    return SampleValue(
        about=tr(
            "A small model that tells 10 kinds of clothes apart, with its pictures. See it get faster, look at what"
            " changed, and take home a bundle that runs on its own. Works without internet."
        ),
        seconds=SAMPLE_S,
        pictures=tuple(_pictures(paths)),
    )


def _pictures(paths: SamplePaths) -> list[PictureValue]:
    try:
        with np.load(paths.data, allow_pickle=False) as stored:
            pictures, labels, names = stored["x"], stored["y"], stored["classes"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return []
    shown = []
    for kind in range(KINDS):
        places = np.flatnonzero(labels == kind)
        if len(places):
            shown.append(PictureValue(data=_png(pictures[places[0]]), name=str(names[kind])))
    return shown


def _png(gray: "np.typing.NDArray[np.uint8]") -> bytes:
    """Encode uint8 (height, width)."""
    rows = np.ascontiguousarray(gray)
    height, width = rows.shape
    image = QImage(rows.tobytes(), width, height, width, QImage.Format.Format_Grayscale8)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(buffer.data().data())
