"""Boxes over pictures: each side in its own color, the original's dashed, in light and dark; kept once decoded."""

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap

from tests.widgets.qt_actions import emitted
from widgets.parts.pictures import PictureStore, PictureValue, SidedBox, paint_picture
from widgets.theme import Theme
from workers.contracts.data.seen import SeenBox

SIDE = 200
BOX = SeenBox(name="dog", score=0.9, box=(0.25, 0.25, 0.75, 0.75))


def painted(theme: Theme, *boxes: SidedBox) -> np.ndarray:
    """(SIDE, SIDE, 3) of a black picture with these boxes."""
    image = QImage(SIDE, SIDE, QImage.Format.Format_RGB888)
    image.fill(QColor("black"))
    pixmap = QPixmap(SIDE, SIDE)
    pixmap.fill(QColor("black"))
    painter = QPainter(image)
    paint_picture(painter, theme, QRectF(0, 0, SIDE, SIDE), pixmap, is_final=True, boxes=boxes)
    painter.end()
    return np.array(image.constBits()).reshape(SIDE, -1)[:, : SIDE * 3].reshape(SIDE, SIDE, 3)


def count(pixels: np.ndarray, color: QColor) -> int:
    return int((np.abs(pixels.astype(int) - color.getRgb()[:3]).max(axis=2) < 12).sum())


@pytest.mark.parametrize("side", ["original", "optimized"])
def test_each_side_has_a_color_of_its_own(theme: Theme, side: str) -> None:
    """Given one box of a side, Then its color is there around its place, and nothing outside of it."""
    pixels = painted(theme, (BOX, side))
    color = theme.color("s3" if side == "original" else "s1")
    assert count(pixels[48:152, 48:152], color) > 200 and count(pixels[60:140, 60:140], color) == 0
    assert count(pixels[:40], color) == count(pixels[160:], color) == 0


def test_the_original_s_is_dashed(theme: Theme) -> None:
    """Given the same box of both sides, Then the original's line has gaps."""
    whole = count(painted(theme, (BOX, "optimized")), theme.color("s1"))
    assert count(painted(theme, (BOX, "original")), theme.color("s3")) < 0.9 * whole


def test_boxes_are_no_part_of_the_decoded_picture(qtbot, tmp_path) -> None:
    """Given one picture with other boxes, Then it is decoded once."""
    image = QImage(8, 8, QImage.Format.Format_RGB888)
    image.save(str(tmp_path / "a.png"))
    store = PictureStore()
    value = PictureValue(path=str(tmp_path / "a.png"))
    emitted(store.ready, store.get, value, 8)
    boxed = PictureValue(path=value.path, boxes=((BOX, "original"),))
    assert store.get(boxed, 8)[1]
