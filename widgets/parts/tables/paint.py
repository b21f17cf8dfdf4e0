"""Paint the cells, tags and titles of tables."""

from PySide6.QtCore import QAbstractItemModel, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QTextLayout
from PySide6.QtWidgets import QHeaderView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from widgets.parts.explained import underline_terms
from widgets.parts.format import sized, visible
from widgets.parts.painting import Index, draw_icon, draw_tag
from widgets.parts.small import TAG_ICONS, TAG_TONES
from widgets.parts.tables.values import Cell
from widgets.theme import Theme

_STRONG, _MEDIUM = QFont.Weight.DemiBold, QFont.Weight.Medium
_EDGE, _ICON_PX = 10, 14
_OUTER = 16
_LINE_EDGE = 7
"""Margin in pixels above the first and below the second line of a cell with two lines."""


class TableDelegate(QStyledItemDelegate):
    """The painter of a `Cell`: its ground, then a tag or a text with underlined terms. Owned by the table."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        """Create a delegate for the table `parent`."""
        super().__init__(parent)
        self._theme = theme
        theme.changed.connect(parent.update)

    @staticmethod
    def _font(base: QFont, cell: Cell) -> QFont:
        return sized(base, 12 if cell.tag else 13, _STRONG if cell.strong else _MEDIUM if cell.tag else None)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the width of the text with its margins."""
        cell = index.data(Qt.ItemDataRole.UserRole)
        if cell is None:
            return QSize(0, 34)
        width = QFontMetrics(self._font(option.font, cell)).horizontalAdvance(cell.text) + 2 * _EDGE + 8
        if cell.below:
            width = max(width, QFontMetrics(sized(option.font, 12)).horizontalAdvance(cell.below) + 2 * _EDGE + 8)
        return QSize(width + (_ICON_PX + 20 if cell.tag or cell.icon else 0) + self._outer(index), 34)

    @staticmethod
    def _outer(index: Index) -> int:
        last = index.model().columnCount() - 1
        return _OUTER - _EDGE if index.column() in (0, last) else 0

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one cell."""
        rect: QRect = option.rect
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        cell = index.data(Qt.ItemDataRole.UserRole)
        ground = "brand-soft" if selected else "raised" if cell is None else "panel"
        painter.save()
        painter.fillRect(rect, self._theme.color(ground))
        if index.row():
            painter.fillRect(QRect(rect.left(), rect.top(), rect.width(), 1), self._theme.color("line"))
        if cell is not None:
            inner = _inner(rect, index.column(), index.model().columnCount()).adjusted(0, 1, 0, 0)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(option.font)
            if cell.tag:
                tone = TAG_TONES[cell.tag]
                soft = "panel" if selected else "raised" if tone == "soft" else ""
                draw_tag(painter, self._theme, inner, cell.text, tone, cell.icon or TAG_ICONS[cell.tag], soft)
            else:
                self._draw_text(painter, inner, cell, option.font, index)
        painter.restore()

    def _draw_text(self, painter: QPainter, box: QRect, cell: Cell, font: QFont, index: Index) -> None:
        if cell.icon:
            at = QPointF(box.left(), box.center().y() - _ICON_PX / 2)
            draw_icon(painter, self._theme, cell.icon, cell.tone or "ink", _ICON_PX, at)
            box = box.adjusted(_ICON_PX + 8, 0, 0, 0)
        usual, tone = self._font(font, cell), cell.tone or "ink"
        text, more = cell.text, cell.below
        if not more and box.height() >= 2 * QFontMetrics(usual).height() + 2 * _LINE_EDGE:
            text, more = two_lines(text, usual, box.width() + 2)
        if more:
            lower = box.adjusted(0, box.height() // 2, 0, -_LINE_EDGE)
            box = box.adjusted(0, _LINE_EDGE, 0, box.height() // 2 - box.height())
            look = (sized(font, 12), "soft") if cell.below else (usual, tone)
            self._draw_line(painter, lower, more, *look, index)
        self._draw_line(painter, box, text, usual, tone, index)

    def _draw_line(self, painter: QPainter, box: QRect, words: str, font: QFont, token: str, index: Index) -> None:
        text = QFontMetrics(font).elidedText(
            visible(words).replace("\n", " "), Qt.TextElideMode.ElideRight, box.width() + 2
        )
        color = self._theme.color(token)
        mark = QColor(color)
        mark.setAlphaF(0.6)
        _draw_words(painter, box, text, font, color, mark, _is_right(index.model(), index.column()))


def two_lines(text: str, font: QFont, width: int) -> tuple[str, str]:
    """Return what fits into a line of `width` pixels, at least a word, and the rest, "" where all fits."""
    layout = QTextLayout(text, font)
    layout.beginLayout()
    line = layout.createLine()
    line.setLineWidth(width)
    layout.endLayout()
    return text[: line.textLength()].rstrip(), text[line.textLength() :]


def _inner(rect: QRect, section: int, count: int) -> QRect:
    """Return the area of a text within its cell; the first and last column have a wider margin."""
    left = _OUTER if section == 0 else _EDGE
    return rect.adjusted(left, 0, -(_OUTER if section == count - 1 else _EDGE), 0)


def _is_right(model: QAbstractItemModel, section: int) -> bool:
    side = model.headerData(section, Qt.Orientation.Horizontal, Qt.ItemDataRole.TextAlignmentRole)
    return bool(int(side or 0) & int(Qt.AlignmentFlag.AlignRight))


def _draw_words(
    painter: QPainter, box: QRect, text: str, font: QFont, color: QColor, mark: QColor, is_right: bool
) -> None:
    """Draw a line of text in the middle of a box, with its terms underlined in the color `mark`."""
    metrics = QFontMetrics(font)
    left = box.right() + 1 - metrics.horizontalAdvance(text) if is_right else box.left()
    baseline = box.top() + (box.height() + metrics.ascent() - metrics.descent()) // 2
    painter.setFont(font)
    painter.setPen(color)
    painter.drawText(QPointF(left, baseline), text)
    underline_terms(painter, text, left, baseline, font, mark)


class HeaderView(QHeaderView):
    """Column titles in small soft type with underlined terms."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        """Create the header of the table `parent`."""
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme = theme
        self.setFixedHeight(32)
        self.setHighlightSections(False)
        self.setSectionsClickable(False)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumSectionSize(40)

    def _title_font(self) -> QFont:
        return sized(self.font(), 12, _MEDIUM)

    def _title(self, section: int) -> str:
        return str(self.model().headerData(section, Qt.Orientation.Horizontal) or "")

    def _px(self, section: int, text: str) -> int:
        outer = _OUTER - _EDGE if section in (0, self.count() - 1) else 0
        return QFontMetrics(self._title_font()).horizontalAdvance(text) + 2 * _EDGE + outer + 2

    def sectionSizeFromContents(self, section: int) -> QSize:
        """Return the width of the title with its margins."""
        return QSize(self._px(section, self._title(section)), 32)

    def least_px(self, section: int) -> int:
        """Return the width in pixels of the title in two lines with its margins."""
        words = self._title(section).split(" ")
        parts = ((words[:at], words[at:]) for at in range(1, len(words) + 1))
        return min(max(self._px(section, " ".join(part)) for part in pair) for pair in parts)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        """Paint one title, in two lines if it is wider than its column."""
        box = _inner(rect, section, self.count()).adjusted(0, 0, 0, -1)
        soft, edge, is_right = self._theme.color("soft"), self._theme.color("edge"), _is_right(self.model(), section)
        font = self._title_font()
        upper, lower = two_lines(self._title(section), font, box.width() + 2)
        painter.save()
        if lower:
            _draw_words(painter, box.adjusted(0, box.height() // 2, 0, 0), lower, font, soft, edge, is_right)
            box = box.adjusted(0, 0, 0, -box.height() // 2)
        _draw_words(painter, box, upper, font, soft, edge, is_right)
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), self._theme.color("line"))
        painter.restore()
