"""Paint the cells, tags and titles of tables."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QHeaderView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from widgets.parts.explained import underline_terms
from widgets.parts.format import visible
from widgets.parts.small import TAG_ICONS, TAG_TONES
from widgets.parts.tables.values import Cell
from widgets.theme import Theme

Index = QModelIndex | QPersistentModelIndex
_EDGE, _TAG_PX, _ICON_PX = 10, 22, 14
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

    def _font(self, base: QFont, cell: Cell) -> QFont:
        font = QFont(base)
        font.setPixelSize(12 if cell.tag else 13)
        if cell.strong or cell.tag:
            font.setWeight(QFont.Weight.DemiBold if cell.strong else QFont.Weight.Medium)
        return font

    @staticmethod
    def _small_font(base: QFont) -> QFont:
        font = QFont(base)
        font.setPixelSize(12)
        return font

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the width of the text with its margins."""
        cell = index.data(Qt.ItemDataRole.UserRole)
        if cell is None:
            return QSize(0, 34)
        width = QFontMetrics(self._font(option.font, cell)).horizontalAdvance(cell.text) + 2 * _EDGE + 8
        if cell.below:
            below = QFontMetrics(self._small_font(option.font)).horizontalAdvance(cell.below) + 2 * _EDGE + 8
            width = max(width, below)
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
            inner = self._inner(rect, index)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            draw = self._draw_tag if cell.tag else self._draw_text
            draw(painter, inner, cell, option, index, selected)
        painter.restore()

    @staticmethod
    def _inner(rect: QRect, index: Index) -> QRect:
        last = index.model().columnCount() - 1
        left = _OUTER if index.column() == 0 else _EDGE
        right = _OUTER if index.column() == last else _EDGE
        return rect.adjusted(left, 1, -right, 0)

    def _draw_tag(
        self, painter: QPainter, box: QRect, cell: Cell, option: QStyleOptionViewItem, index: object, selected: bool
    ) -> None:
        font = self._font(option.font, cell)
        metrics = QFontMetrics(font)
        tone = TAG_TONES[cell.tag or "none"]
        width = min(box.width(), metrics.horizontalAdvance(cell.text) + _ICON_PX + 6 + 4 + 8 + 1)
        pill = QRectF(box.left(), box.center().y() - _TAG_PX / 2 + 1, width, _TAG_PX)
        soft = "panel" if selected else "raised" if tone == "soft" else f"{tone}-soft"
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color(soft))
        painter.drawRoundedRect(pill, 4, 4)
        icon = cell.icon or TAG_ICONS[cell.tag or "none"]
        self._icon(painter, icon, tone, QPointF(pill.left() + 6, pill.center().y() - _ICON_PX / 2))
        painter.setFont(font)
        painter.setPen(self._theme.color(tone))
        room = pill.adjusted(6 + _ICON_PX + 4, 0, -6, 0)
        text = metrics.elidedText(cell.text, Qt.TextElideMode.ElideRight, int(room.width()) + 2)
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)

    def _draw_text(
        self, painter: QPainter, box: QRect, cell: Cell, option: QStyleOptionViewItem, index: Index, selected: bool
    ) -> None:
        if cell.icon:
            self._icon(painter, cell.icon, cell.tone or "ink", QPointF(box.left(), box.center().y() - _ICON_PX / 2))
            box = box.adjusted(_ICON_PX + 8, 0, 0, 0)
        if cell.below:
            lower = box.adjusted(0, box.height() // 2, 0, -_LINE_EDGE)
            box = box.adjusted(0, _LINE_EDGE, 0, box.height() // 2 - box.height())
            self._draw_line(painter, lower, cell.below, self._small_font(option.font), "soft", index)
        self._draw_line(painter, box, cell.text, self._font(option.font, cell), cell.tone or "ink", index)

    def _draw_line(self, painter: QPainter, box: QRect, words: str, font: QFont, token: str, index: Index) -> None:
        metrics = QFontMetrics(font)
        text = metrics.elidedText(visible(words).replace("\n", " "), Qt.TextElideMode.ElideRight, box.width() + 2)
        right = index.model().headerData(index.column(), Qt.Orientation.Horizontal, Qt.ItemDataRole.TextAlignmentRole)
        is_right = bool(int(right or 0) & int(Qt.AlignmentFlag.AlignRight))
        left = box.right() + 1 - metrics.horizontalAdvance(text) if is_right else box.left()
        baseline = box.top() + (box.height() + metrics.ascent() - metrics.descent()) // 2
        color = self._theme.color(token)
        painter.setFont(font)
        painter.setPen(color)
        painter.drawText(QPointF(left, baseline), text)
        mark = QColor(color)
        mark.setAlphaF(0.6)
        underline_terms(painter, text, left, baseline, font, mark)

    def _icon(self, painter: QPainter, name: str, token: str, place: QPointF) -> None:
        device = painter.device()
        ratio = device.devicePixelRatioF() if device is not None else 1.0
        painter.drawPixmap(place, self._theme.pixmap(name, token, _ICON_PX, ratio))


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
        font = QFont(self.font())
        font.setPixelSize(12)
        font.setWeight(QFont.Weight.Medium)
        return font

    def sectionSizeFromContents(self, section: int) -> QSize:
        """Return the width of the title with its margins."""
        title = str(self.model().headerData(section, Qt.Orientation.Horizontal) or "")
        outer = _OUTER - _EDGE if section in (0, self.count() - 1) else 0
        return QSize(QFontMetrics(self._title_font()).horizontalAdvance(title) + 2 * _EDGE + outer + 2, 32)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        """Paint one title."""
        model = self.model()
        title = str(model.headerData(section, Qt.Orientation.Horizontal) or "")
        side = int(model.headerData(section, Qt.Orientation.Horizontal, Qt.ItemDataRole.TextAlignmentRole) or 0)
        left_edge = _OUTER if section == 0 else _EDGE
        right_edge = _OUTER if section == self.count() - 1 else _EDGE
        box = rect.adjusted(left_edge, 0, -right_edge, -1)
        font = self._title_font()
        metrics = QFontMetrics(font)
        is_right = bool(side & int(Qt.AlignmentFlag.AlignRight))
        left = box.right() + 1 - metrics.horizontalAdvance(title) if is_right else box.left()
        baseline = box.top() + (box.height() + metrics.ascent() - metrics.descent()) // 2
        painter.save()
        painter.setFont(font)
        painter.setPen(self._theme.color("soft"))
        painter.drawText(QPointF(left, baseline), title)
        underline_terms(painter, title, left, baseline, font, self._theme.color("edge"))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), self._theme.color("line"))
        painter.restore()
