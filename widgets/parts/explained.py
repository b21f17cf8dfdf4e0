"""Show text whose technical terms have a dotted underline and a plain explanation on hover."""

import re
from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QLabel, QToolTip

from widgets.parts.format import visible
from widgets.parts.glossary import Term, meanings, terms

_UNIT = re.compile(r"(?<=\d) (?=(%|×|ms|s|kB|MB|GB|min)(?!\w))")
"""The space between a number and its unit, where no line may end."""

MOST_LAID = 8
"""Number of widths for which a label caches its layout; a resize requests many widths, each several times."""


def dotted_underline(painter: QPainter, x0: float, x1: float, y: float, color: QColor) -> None:
    """Draw the underline of an explained term below the text's baseline."""
    painter.save()
    pen = QPen(color, 1, Qt.PenStyle.CustomDashLine)
    pen.setDashPattern([1.0, 1.5])
    painter.setPen(pen)
    painter.drawLine(QPointF(x0, round(y) + 0.5), QPointF(x1, round(y) + 0.5))
    painter.restore()


def underline_terms(painter: QPainter, text: str, left: float, baseline: float, font: QFont, color: QColor) -> None:
    """Underline the terms of a single line of text that was drawn at `left` with `font`."""
    metrics = QFontMetrics(font)
    for term in terms(text):
        x0 = left + metrics.horizontalAdvance(text[: term.start])
        x1 = left + metrics.horizontalAdvance(text[: term.end])
        dotted_underline(painter, x0, x1, baseline + 3, color)


class ExplainedLabel(QLabel):
    """A plain-text label with word wrap that explains its technical terms on hover and to screen readers."""

    def __init__(self, text: str = "") -> None:
        """Create a label with `text`."""
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setMouseTracking(True)
        self._terms: Sequence[Term] = ()
        self._laid: dict[tuple[float, bool, Qt.AlignmentFlag], tuple[QTextLayout, float, float]] = {}
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show another text and find its terms."""
        text = visible(text)
        super().setText(text)
        self._laid.clear()
        self._terms = tuple(terms(text))
        self.setAccessibleName(text)
        self.setAccessibleDescription(meanings(text))
        self.updateGeometry()

    def _layout(self, width: float) -> tuple[QTextLayout, float, float]:
        """Return the text laid out in a width, with its height and its natural width in pixels.

        The result is cached, because box layouts request the same width many times.
        """
        key = (width, self.wordWrap(), self.alignment())
        if key not in self._laid:
            if len(self._laid) >= MOST_LAID:
                self._laid.clear()
            self._laid[key] = self._lay_out(width)
        return self._laid[key]

    def _lay_out(self, width: float) -> tuple[QTextLayout, float, float]:
        option = QTextOption(self.alignment())
        modes = QTextOption.WrapMode
        option.setWrapMode(modes.WrapAtWordBoundaryOrAnywhere if self.wordWrap() else modes.NoWrap)
        layout = QTextLayout(_UNIT.sub("\u00a0", self.text()).replace("\n", "\u2028"), self.font())
        layout.setTextOption(option)
        line_height = max(QFontMetrics(self.font()).height(), round(QFontMetrics(self.font()).height() * 1.2))
        layout.beginLayout()
        y, natural = 0.0, 0.0
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(1.0, width))
            line.setPosition(QPointF(0, y + (line_height - line.height()) / 2))
            natural = max(natural, line.naturalTextWidth())
            y += line_height
        layout.endLayout()
        return layout, y, natural

    def changeEvent(self, event: QEvent) -> None:
        """Clear the cached layouts after a change of the font."""
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._laid.clear()
        super().changeEvent(event)

    def _place(self, layout: QTextLayout, height: float) -> QPointF:
        box = self.contentsRect()
        spare = box.height() - height
        top = 0.0 if self.alignment() & Qt.AlignmentFlag.AlignTop else max(0.0, spare / 2)
        return QPointF(box.left(), box.top() + top)

    def sizeHint(self) -> QSize:
        """Return the size of one line of up to about 90 characters, else of the wrapped text."""
        widest = QFontMetrics(self.font()).averageCharWidth() * 90
        _, height, natural = self._layout(widest if self.wordWrap() else 100_000)
        edges = self.contentsMargins()
        return QSize(int(natural) + 2 + edges.left() + edges.right(), int(height) + edges.top() + edges.bottom())

    def minimumSizeHint(self) -> QSize:
        """Return a narrow size if the text may wrap."""
        hint = self.sizeHint()
        return QSize(min(hint.width(), 80), QFontMetrics(self.font()).height()) if self.wordWrap() else hint

    def hasHeightForWidth(self) -> bool:
        """Return whether the text wraps, so that its height depends on the width."""
        return self.wordWrap()

    def heightForWidth(self, width: int) -> int:
        """Return the height of the wrapped text with its margins."""
        if not self.wordWrap():
            return -1
        edges = self.contentsMargins()
        return int(self._layout(width - edges.left() - edges.right())[1]) + edges.top() + edges.bottom()

    def _boxes(self) -> list[tuple[QRectF, Term]]:
        box = self.contentsRect()
        layout, height, _ = self._layout(box.width())
        place = self._place(layout, height)
        places = []
        for term in self._terms:
            for number in range(layout.lineCount()):
                line = layout.lineAt(number)
                start = max(term.start, line.textStart())
                end = min(term.end, line.textStart() + line.textLength())
                if start < end:
                    x0, x1 = _x(line.cursorToX(start)), _x(line.cursorToX(end))
                    places.append((QRectF(place.x() + x0, place.y() + line.y(), x1 - x0, line.height()), term))
        return places

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the text, then the underlines."""
        painter = QPainter(self)
        box = self.contentsRect()
        layout, height, _ = self._layout(box.width())
        color = QColor(self.palette().color(self.foregroundRole()))
        painter.setPen(color)
        layout.draw(painter, self._place(layout, height))
        color.setAlphaF(0.6)
        for rect, _term in self._boxes():
            dotted_underline(painter, rect.left(), rect.right(), rect.bottom(), color)
        painter.end()

    def term_at(self, position: QPoint) -> Term | None:
        """Return the term at a point of the label; None if there is none."""
        for rect, term in self._boxes():
            if rect.adjusted(-1, -2, 1, 3).contains(QPointF(position)):
                return term
        return None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show the help cursor over a term."""
        over = self.term_at(event.position().toPoint())
        self.setCursor(Qt.CursorShape.WhatsThisCursor if over else Qt.CursorShape.ArrowCursor)
        super().mouseMoveEvent(event)

    def event(self, event: QEvent) -> bool:
        """Show the explanation at the term instead of a tooltip of the label."""
        if event.type() == QEvent.Type.ToolTip and self._terms:
            help_event = cast(QHelpEvent, event)
            term = self.term_at(help_event.pos())
            if term:
                QToolTip.showText(help_event.globalPos(), term.meaning, self, QRect())
            else:
                QToolTip.hideText()
            return True
        return super().event(event)


def _x(value: object) -> float:
    """Return the x position of `cursorToX`, which returns (x, cursor) in this binding."""
    return float(value[0]) if isinstance(value, tuple | list) else float(cast(float, value))
