"""Show the examples whose prediction changed, side by side, with filters; only visible rows are painted."""

from functools import partial

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from widgets.pages.compare.value import ChangesValue, ChangeValue
from widgets.parts.buttons import ToggleButton
from widgets.parts.card import Card
from widgets.parts.format import sized
from widgets.parts.layout import LEFT, TOP, clear, in_flow
from widgets.parts.lists import ValuesModel, prepare_list
from widgets.parts.marked import Marked, paint_line
from widgets.parts.painting import Index, draw_icon, draw_line
from widgets.parts.pictures import BoxSide, PictureStore, one_side, paint_value
from widgets.parts.text import WholeLabel, label, show_text
from widgets.theme import Theme
from workers.contracts.translation import _, localized

ROW_PX, SIDE_PX, LEAST_ROWS = 63, 48, 3


class ChangeDelegate(QStyledItemDelegate):
    """The painter of a change: picture, prediction before, arrow, prediction after, label. Owned by the list."""

    def __init__(self, theme: Theme, store: PictureStore, parent: QWidget) -> None:
        """Create a delegate; `store` decodes the pictures."""
        super().__init__(parent)
        self._theme, self._store = theme, store

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the height that all rows share."""
        return QSize(280, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        row: ChangeValue = index.data(Qt.ItemDataRole.UserRole)
        rect: QRect = option.rect
        painter.save()
        painter.fillRect(QRect(rect.left(), rect.top(), rect.width(), 1), self._theme.color("line"))
        box = rect.adjusted(0, 8, -6, -7)
        label_width = 0 if row.label is None else max(64, round(box.width() * 0.18))
        arrow = 28
        half = (box.width() - label_width - arrow) // 2
        before = QRect(box.left(), box.top(), half, box.height())
        after = before.translated(half + arrow, 0)
        self._side(painter, before, row, _("Before"), row.before, "original")
        at = QPointF(before.right() + 2, box.center().y() - 8)
        draw_icon(painter, self._theme, "arrow-right", "soft", 16, at)
        wide = row.picture.is_picture and half >= 150
        self._side(painter, after, row, _("After"), row.after, "optimized", with_input=wide)
        if row.label is not None:
            place = QRect(box.right() - label_width + 1, box.top(), label_width, box.height())
            self._words(painter, place, _("Your label"), row.label)
        painter.restore()

    def _side(
        self,
        painter: QPainter,
        box: QRect,
        row: ChangeValue,
        caption: str,
        answer: str,
        side: BoxSide,
        *,
        with_input: bool = True,
    ) -> None:
        if with_input and row.picture.is_picture:
            place = QRectF(box.left(), box.top(), SIDE_PX, SIDE_PX)
            paint_value(painter, self._theme, self._store, place, one_side(row.picture, side))
            box = box.adjusted(SIDE_PX + 10, 0, 0, 0)
        elif with_input:
            caption = row.picture.text or row.picture.name or caption
        mark = None if row.label is None else ("check", "ok") if answer == row.label else ("x", "bad")
        self._words(painter, box, caption, answer, mark, row.before_parts if side == "original" else row.after_parts)

    def _words(
        self,
        painter: QPainter,
        box: QRect,
        caption: str,
        text: str,
        mark: tuple[str, str] | None = None,
        parts: Marked = (),
    ) -> None:
        top = QRect(box.left(), box.top() + 4, box.width(), 18)
        draw_line(painter, self._theme, top, caption, "soft", 12)
        below = QRect(box.left(), top.bottom() + 2, box.width(), 20)
        if mark is not None:
            draw_icon(painter, self._theme, *mark, 14, QPointF(below.left(), below.center().y() - 7))
            below = below.adjusted(18, 0, 0, 0)
        if parts:
            paint_line(painter, self._theme, below, sized(painter.font(), 13), parts)
        else:
            draw_line(painter, self._theme, below, text)


def _spoken(row: ChangeValue) -> str:
    """Return a change as text for screen readers."""
    words = _("Before {0}, after {1}").format(row.before, row.after)
    return words if row.label is None else _("{0}, your label {1}").format(words, row.label)


class RowsView(QListView):
    """A list whose size hint is its least height, since a card with wrapped texts gives no height to ignored hints."""

    def sizeHint(self) -> QSize:
        """Return the least height: the page stretches it."""
        return QSize(super().sizeHint().width(), self.minimumHeight())


class ChangesCard(Card):
    """The list of changes with the filters All, Worse, Better, Other; without labels there is only All."""

    def __init__(self, theme: Theme, store: PictureStore, value: ChangesValue) -> None:
        """Create the card of `value`; `store` decodes its pictures."""
        super().__init__(name=_("Answers that changed"))
        self.box.setContentsMargins(16, 12, 8, 8)
        self._theme = theme
        self._head = in_flow()
        self._model = ValuesModel(self)
        self._rows: tuple[ChangeValue, ...] = ()
        self._list = RowsView()
        prepare_list(self._list, self._model, theme, self.accessibleName(), store)
        self._list.setItemDelegate(ChangeDelegate(theme, store, self._list))
        self._list.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self._reasons = WholeLabel()
        self._empty = label("", "soft")
        self._empty.setAlignment(TOP | LEFT)
        self.add(self._head, self._reasons, self._empty, (self._list, 1))
        self.show_value(value)

    def show_value(self, value: ChangesValue) -> None:
        """Show the changes of another version."""
        self._rows = value.rows
        self._on_kind("")
        flow = self._head.layout()
        assert flow is not None
        clear(flow)
        title = label(_("Answers that changed"), "section", wrap=False)
        title.setMinimumHeight(26)
        flow.addWidget(title)
        self._group = QButtonGroup(self)
        kinds = [("", _("All"), value.total)]
        if value.labelled:
            texts = (("worse", _("Worse")), ("better", _("Better")), ("other", _("Other")))
            kinds += [(kind, text, sum(row.kind == kind for row in value.rows)) for kind, text in texts]
        for kind, text, number in kinds if value.total else ():
            choose = partial(self._on_kind, kind)
            flow.addWidget(
                ToggleButton(self._theme, f"{text} {localized(number)}", self._group, checked=not kind, on=choose)
            )
        self._show_texts(value)

    def _on_kind(self, kind: str, _checked: bool = False) -> None:
        rows = [row for row in self._rows if kind in ("", row.kind)]
        self._model.replace(rows, [_spoken(row) for row in rows])

    def _show_texts(self, value: ChangesValue) -> None:
        show_text(self._reasons, value.reasons)
        text = ""
        if not value.total and value.words_changed:
            text = _("None as a whole: {0:,} of {1:,} next words are ones that the original finds much less likely.")
            text = text.format(value.words_changed, value.words)
        elif not value.total and not value.reasons:
            text = _("None: both versions answer every example the same.")
        elif len(value.rows) < value.total:
            text = _("The first {0:,} of {1:,} are listed.").format(len(value.rows), value.total)
        show_text(self._empty, text)
        self._list.setVisible(bool(value.rows))
        self.box.setStretchFactor(self._empty, 0 if value.rows else 1)  # at the top below the title, not in the middle
        if value.rows:
            self._list.setMinimumHeight(min(LEAST_ROWS, len(value.rows)) * ROW_PX + 2)
