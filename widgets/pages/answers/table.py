"""Show the table of all answers: of 100,000 rows only the visible ones are created."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QModelIndex, QObject, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QTableView

from widgets.pages.answers.value import KINDS, AnswerColumns, AnswersValue, Filter, Order, select
from widgets.parts.format import UNKNOWN, cosine, percent
from widgets.parts.painting import Index
from widgets.parts.small import TagKind
from widgets.parts.tables.paint import HeaderView
from widgets.parts.tables.table import ColumnsModel, dress
from widgets.parts.tables.values import Cell, Column
from widgets.theme import Theme
from workers.contracts.translation import _, localized

ROW_PX, TALL_ROW_PX, SHARE_PX, TAG_PX, NUMBER_PX = 34, 50, 128, 30, 68
EDGES_PX, MOST_SAMPLED = 22, 400
"""Margins of a text in pixels, and number of examples whose names are measured."""
_TAGS: tuple[TagKind, ...] = ("none", "warn", "bad", "ok", "none")
_ICONS = ("check", "arrow-right", "", "", "")


class AnswersModel(ColumnsModel):
    """The rows of the table, owned by the page; `rows` are indices of the columns that pass the filter, in order."""

    def __init__(self, parent: QObject | None = None) -> None:
        """Create a model without rows."""
        super().__init__(parent)
        self.value: AnswersValue | None = None
        self.rows: NDArray[np.int64] = np.empty(0, np.int64)
        self.filter = Filter()
        self.ordered: tuple[tuple[Order, Column], ...] = ()
        self._kinds: tuple[Cell, ...] = ()

    def replace(self, value: AnswersValue) -> None:
        """Replace the predictions and keep the filter as far as it fits."""
        self.beginResetModel()
        self.value = value
        self.ordered = self._make_columns(value)
        self.columns = tuple(column for _order, column in self.ordered)
        judged = (_("Same"), _("Changed"), _("Worse"), _("Better"))
        texts = (*judged, _("Not judged"))
        tips = ("",) * len(judged) + (_("These were needed as neighbors for the test examples."),)
        self._kinds = tuple(
            Cell(text, tag=tag, icon=icon, tip=tip)
            for text, tag, icon, tip in zip(texts, _TAGS, _ICONS, tips, strict=True)
        )
        self.rows = select(value.columns, self.filter)
        self.endResetModel()

    def kind_texts(self) -> tuple[str, ...]:
        """Return the words of the results that occur."""
        occurring = () if self.value is None else np.unique(self.value.columns.kind)
        return tuple(self._kinds[int(kind)].text for kind in occurring)

    def choose(self, wanted: Filter) -> None:
        """Apply a filter."""
        self.filter = wanted
        if self.value is not None:
            self.beginResetModel()
            self.rows = select(self.value.columns, wanted)
            self.endResetModel()

    def _make_columns(self, value: AnswersValue) -> tuple[tuple[Order, Column], ...]:
        made: list[tuple[Order, Column]] = [
            ("number", Column(_("No."), right=True)),
            ("name", Column(_("Example"), stretch=True)),
        ]
        if value.answers == "class":
            made += [
                ("before", Column(_("Original"), stretch=True)),
                ("after", Column(_("Optimized"), stretch=True)),
            ]
        else:
            made.append(("similarity", Column(_("Similarity"), right=True)))
        if value.labelled:
            made.append(("label", Column(_("Your label"), stretch=True)))
        return (*made, ("kind", Column(_("Result"))))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Return the number of rows after the filter."""
        return 0 if parent.isValid() else len(self.rows)

    def cell(self, row: int, order: Order) -> Cell:
        """Return the cell of a row in the column `order`."""
        assert self.value is not None
        columns, at = self.value.columns, int(self.rows[row])
        if order == "kind":
            return self._kinds[int(columns.kind[at])]
        if order == "number":
            return Cell(localized(int(columns.number[at]) + 1), tone="soft")
        if order == "name":
            name = columns.name[at]
            return Cell(name.rsplit("/", 1)[-1] if self.value.kind in ("images", "audio") else name, tip=name)
        if order == "similarity":
            return Cell(cosine(float(columns.similarity[at])))
        place = int(getattr(columns, order)[at])
        if order == "label":
            return Cell(columns.class_name(place) or UNKNOWN, tone="soft")
        return self._answer(columns, at, place, is_before=order == "before")

    def _answer(self, columns: AnswerColumns, at: int, place: int, *, is_before: bool) -> Cell:
        """Return the predicted class with its confidence below; a wrong class is red."""
        share = float((columns.before_share if is_before else columns.after_share)[at])
        sure = "" if np.isnan(share) else _("{0} sure").format(percent(share))
        label, kind = int(columns.label[at]), KINDS[int(columns.kind[at])]
        right = "worse" if is_before else "better"  # a kind that makes it right
        is_wrong = label >= 0 and place != label and kind != right
        return Cell(columns.class_name(place) or UNKNOWN, tone="bad" if is_wrong else "", below=sure)

    def cell_at(self, row: int, section: int) -> Cell:
        """Return a cell by the number of its column."""
        return self.cell(row, self.ordered[section][0])


class AnswersTable(QTableView):
    """The table of all answers; `chosen(row)` follows mouse and arrow keys with an index of the model's rows.

    `sort_wanted(order)` follows a click on a title.
    """

    chosen = Signal(int)
    sort_wanted = Signal(str)

    def __init__(self, theme: Theme, model: AnswersModel) -> None:
        """Create the table of `model`."""
        super().__init__()
        self._model = model
        self._texts_px: dict[int, int] = {}
        self._placed: AnswersValue | None = None
        self.setModel(model)
        self._header = HeaderView(theme, self)
        self._header.setSectionsClickable(True)
        dress(self, theme, self._header, _("All answers"), is_long=True)
        self._header.sectionClicked.connect(lambda section: self.sort_wanted.emit(model.ordered[section][0]))
        model.modelReset.connect(self._on_reset)
        self.selectionModel().currentRowChanged.connect(lambda now, _before: self.chosen.emit(now.row()))
        self._place_columns()

    def set_narrow(self, is_narrow: bool) -> None:
        """Hide number and label in a narrow page, because the card of the chosen example shows them."""
        for number, (order, _column) in enumerate(self._model.ordered):
            self.setColumnHidden(number, is_narrow and order in ("label", "number"))
        self._share_width()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Adjust the text columns to the width."""
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """Give each text column the width of its texts and an equal share of the rest."""
        places = [n for n in self._texts_px if not self.isColumnHidden(n)]
        others = [n for n in range(len(self._model.columns)) if n not in self._texts_px]
        room = self.viewport().width() - sum(self.columnWidth(n) for n in others)
        for place, width in zip(places, shared(room, [self._texts_px[n] for n in places]), strict=True):
            self._header.resizeSection(place, width)

    def _text_px(self, order: Order, title: str) -> int:
        """Return the width in pixels that the texts of a column need: all classes, and the names of some examples."""
        value = self._model.value
        if value is None:
            return 0
        count = len(value.columns)
        texts = list(value.columns.names)
        if order == "name":
            model, rows = self._model, range(0, len(self._model.rows), max(1, count // MOST_SAMPLED))
            texts = [model.cell(row, "name").text for row in rows]
        longest = sorted((f"{title} ↓", *texts), key=len)[-MOST_SAMPLED:]
        return EDGES_PX + max(self.fontMetrics().horizontalAdvance(text) for text in longest)

    def _on_reset(self) -> None:
        if self._placed is not self._model.value:  # a filter changes no width
            self._place_columns()
        wanted = self._model.filter
        if wanted == Filter(wanted.kind, wanted.class_place, wanted.text):  # in the original order: no arrow
            self._model.sorted_by = (-1, False)
            return
        at = next((i for i, (order, _column) in enumerate(self._model.ordered) if order == wanted.order), -1)
        self._model.sorted_by = (at, wanted.is_descending)
        self._header.viewport().update()

    def _kind_px(self) -> int:
        """Return the width in pixels of the widest result that occurs, with its icon."""
        advance = self.fontMetrics().horizontalAdvance
        return EDGES_PX + TAG_PX + max((advance(text) for text in self._model.kind_texts()), default=SHARE_PX)

    def _place_columns(self) -> None:
        """Set widths that do not depend on which of 100,000 rows are shown."""
        value = self._placed = self._model.value
        is_tall = value is not None and value.answers == "class"
        self.verticalHeader().setDefaultSectionSize(TALL_ROW_PX if is_tall else ROW_PX)
        widths = {"kind": self._kind_px(), "number": NUMBER_PX}
        self._texts_px = {}
        for number, (order, column) in enumerate(self._model.ordered):
            self._header.setSectionResizeMode(number, QHeaderView.ResizeMode.Fixed)
            if column.stretch:
                self._texts_px[number] = self._text_px(order, column.title)
            else:
                self._header.resizeSection(number, widths.get(order, SHARE_PX))
        self._share_width()


def shared(room_px: int, wanted_px: Sequence[int]) -> list[int]:
    """Return the width of each column in pixels: its need and an equal share of the rest, or less for the widest."""
    left_px, given = max(0, room_px), [0] * len(wanted_px)
    if sum(wanted_px) <= left_px:
        spare_px = left_px - sum(wanted_px)
        count = len(wanted_px)
        return [px + (n + 1) * spare_px // count - n * spare_px // count for n, px in enumerate(wanted_px)]
    order = sorted(range(len(wanted_px)), key=lambda n: wanted_px[n])
    for done, n in enumerate(order):
        given[n] = min(wanted_px[n], left_px // (len(order) - done))
        left_px -= given[n]
    return given
