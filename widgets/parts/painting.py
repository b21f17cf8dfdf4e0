"""Paint single lines of text, icons and thumbnails in lists."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter

from widgets.parts.format import clipped, sized, visible
from widgets.parts.pictures import PictureStore, PictureValue, paint_picture, ratio_of
from widgets.theme import Theme
from widgets.tokens import RADIUS_TAG

Index = QModelIndex | QPersistentModelIndex
MAX_CHARS, TAG_PX = 300, 22
AT_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
AT_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight


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


def draw_tag(painter: QPainter, theme: Theme, box: QRect, text: str, tone: str, icon: str, ground: str = "") -> None:
    """Draw a tag at the left of a box: an icon and a text on a ground, by default the soft color of its tone."""
    font = sized(painter.font(), 12, QFont.Weight.Medium)
    metrics = QFontMetrics(font)
    width = min(box.width(), metrics.horizontalAdvance(text) + 33)
    pill = QRectF(box.left(), box.center().y() - TAG_PX // 2 + 1, width, TAG_PX)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color(ground or f"{tone}-soft"))
    painter.drawRoundedRect(pill, RADIUS_TAG, RADIUS_TAG)
    draw_icon(painter, theme, icon, tone, 14, QPointF(pill.left() + 6, pill.center().y() - 7))
    words = pill.toRect().adjusted(24, 0, -4, 0)  # two pixels more than drawn, or rounding cuts a word
    painter.setFont(font)
    painter.setPen(theme.color(tone))
    painter.drawText(words, int(AT_LEFT), metrics.elidedText(text, Qt.TextElideMode.ElideRight, words.width()))


def draw_thumbnail(painter: QPainter, theme: Theme, store: PictureStore, place: QRect, value: PictureValue) -> None:
    """Draw a picture as far as it is decoded."""
    pixmap, is_final = store.get(value, round(place.width() * ratio_of(painter)))
    paint_picture(painter, theme, QRectF(place), pixmap, is_final=is_final)
