"""Paint single lines of text, icons and thumbnails in lists."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter

from widgets.parts.format import clipped, visible
from widgets.parts.pictures import PictureStore, PictureValue, paint_picture
from widgets.theme import Theme

Index = QModelIndex | QPersistentModelIndex
MAX_CHARS = 300
AT_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
AT_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight


def ratio_of(painter: QPainter) -> float:
    """Return the device pixels per logical pixel."""
    device = painter.device()
    return device.devicePixelRatioF() if device is not None else 1.0


def sized(font: QFont, px: int, weight: QFont.Weight | None = None) -> QFont:
    """Return the font in another size and optionally another weight."""
    made = QFont(font)
    made.setPixelSize(px)
    if weight is not None:
        made.setWeight(weight)
    return made


def draw_line(
    painter: QPainter,
    theme: Theme,
    box: QRect,
    text: str,
    token: str = "ink",
    px: int = 13,
    side: Qt.AlignmentFlag = AT_LEFT,
    weight: QFont.Weight | None = None,
) -> None:
    """Draw a line of text of unknown origin, cut with an ellipsis where the box ends."""
    font = sized(painter.font(), px, weight)
    painter.setFont(font)
    painter.setPen(theme.color(token))
    short = QFontMetrics(font).elidedText(clipped(visible(text), MAX_CHARS), Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, int(side), short)


def draw_icon(painter: QPainter, theme: Theme, name: str, token: str, side_px: int, at: QPointF) -> None:
    """Draw an icon with its upper left corner at a position."""
    painter.drawPixmap(at, theme.pixmap(name, token, side_px, ratio_of(painter)))


def draw_thumbnail(painter: QPainter, theme: Theme, store: PictureStore, place: QRect, value: PictureValue) -> None:
    """Draw a picture as far as it is decoded."""
    ratio = ratio_of(painter)
    pixmap, is_final = store.get(value, round(place.width() * ratio))
    paint_picture(painter, theme, QRectF(place), pixmap, is_final=is_final, ratio=ratio)
