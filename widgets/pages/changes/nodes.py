"""Show the picture of the compared graphs, and beside it the list of operators, the worst first."""

from collections.abc import Sequence

from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QBoxLayout, QLabel, QWidget

from widgets.parts.buttons import GhostButton, TextButton
from widgets.parts.card import Card
from widgets.parts.fields import SearchField
from widgets.parts.layout import STRETCH, fill, held, in_column, in_flow, in_row
from widgets.parts.tables.table import Cell, Column, Table, TableRow
from widgets.parts.text import label, show_text, words
from widgets.plots.graph_picture import STATUS_TOKENS, GraphPicture
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_S
from workers.contracts.after.change_words import (
    STATUS_WORDS,
    ends_of,
    error_words,
    facts_of,
    ms_words,
    name_of,
    op_words,
    statuses_of,
    worst_first,
)
from workers.contracts.after.changes import ChangedNode, DiffResult
from workers.contracts.translation import _, localized

MAX_ROWS = 2_000
LEAST_ROWS_PX, MARK_PX, PICTURE_PX = 220, 10, 380


class NodesView(Card):
    """The picture with its list and search field, owned by the page; a choice in one is shown in the other."""

    def __init__(self, theme: Theme, result: DiffResult) -> None:
        """Create the picture and the list of a comparison."""
        super().__init__(name=_("Operators of both models"))
        self._result, self._order, self._ends = result, worst_first(result.nodes), ends_of(result.nodes)
        self._search = SearchField(theme, _("Search by name or kind"), _("Search by name or kind"), small=True)
        self._search.settled.connect(self.search)
        self._search.entered.connect(self.search)
        self._shown = words("", "caption")
        self._all = TextButton(theme, _("Show all operators"), size="small", on=self.show_all)
        columns = (Column(_("Operator"), stretch=True), Column(_("Error"), right=True), Column(_("Time"), right=True))
        self.table = Table(theme, _("Operators, the worst first"), columns, fits=False, tall=True)
        self.table.setMinimumHeight(LEAST_ROWS_PX)
        self.table.set_details(True)
        self.picture = GraphPicture(theme, _("Both models as one graph"))
        self.picture.setMinimumHeight(PICTURE_PX)
        self.picture.chosen.connect(self._on_chosen)
        self.table.chosen.connect(lambda row_id: self.picture.choose(int(row_id)) if result.levels else None)
        side = held(in_column(self._search, in_row((self._shown, 1), self._all), (self.table, 1), gap=SPACE_S))
        holder = QWidget()
        self._pair = QBoxLayout(QBoxLayout.Direction.LeftToRight, holder)
        self._pair.setContentsMargins(0, 0, 0, 0)
        self._pair.setSpacing(SPACE_L)
        fill(self._pair, (self._drawn(theme), 3) if result.levels else None, (side, 2))
        self.add((holder, 1))
        if result.levels:
            self.picture.set_result(result)
        self.show_all()

    def set_narrow(self, is_narrow: bool) -> None:
        """Put the list below the picture in the smallest window."""
        direction = QBoxLayout.Direction.TopToBottom if is_narrow else QBoxLayout.Direction.LeftToRight
        self._pair.setDirection(direction)

    def _drawn(self, theme: Theme) -> QWidget:
        picture = self.picture
        less = GhostButton(theme, _("Less detail"), size="small", tip=_("Key: Page Up"))
        more = GhostButton(theme, _("More detail"), size="small", tip=_("Key: Page Down"))
        less.clicked.connect(lambda: picture.show_level(picture.level - 1))
        more.clicked.connect(lambda: picture.show_level(picture.level + 1))
        whole = GhostButton(theme, _("Show all"), size="small", tip=_("Key: Home"), on=picture.fit)
        last = len(self._result.levels) - 1

        def show_ends(level: int) -> None:
            less.setEnabled(level > 0)
            more.setEnabled(level < last)

        picture.level_changed.connect(show_ends)
        show_ends(0)
        tools = in_row(whole, less, more, STRETCH)
        how = _(
            "Wider boxes take more time. Click the picture, then the wheel, + and − zoom, dragging and arrow keys move."
        )
        return held(in_column(tools, (picture, 1), self._legend(theme), words(how, "caption"), gap=SPACE_S))

    def _legend(self, theme: Theme) -> QWidget:
        marks = []
        for status, text, number in statuses_of(self._result):
            mark = QLabel()
            picture = QPixmap(MARK_PX, MARK_PX)
            picture.fill(theme.color(STATUS_TOKENS[status]))
            mark.setPixmap(picture)
            marks.append(held(in_row(mark, label(f"{text} {localized(number)}", "caption", wrap=False))))
        return in_flow(*marks, gap=SPACE_L)

    # -- what is listed --
    def show_all(self) -> None:
        """List all operators, without a search."""
        self._search.show_count("")
        self._list(self._order, "")

    def show_nodes(self, nodes: Sequence[int], about: str) -> None:
        """List and mark some operators; `about` is the sentence that they belong to."""
        wanted = set(nodes)
        self._list([at for at in self._order if at in wanted], about)

    def search(self, text: str) -> None:
        """List the operators with a text in a name or kind."""
        text = text.lower()
        found = [at for at in self._order if text in _searched(self._result.nodes[at])]
        self._list(found, _("“{0}”").format(text) if text else "")

    def _list(self, order: Sequence[int], about: str) -> None:
        total, is_all = len(self._order), len(order) == len(self._order)
        text = _("{0:,} operators, the worst first").format(total)
        if not is_all:
            text = _("{0:,} of {1:,} operators: {2}").format(len(order), total, about)
        if len(order) > MAX_ROWS:
            text += " " + _("The first {0:,} are listed.").format(MAX_ROWS)
        show_text(self._shown, text)
        self._all.setVisible(not is_all)
        self.table.show_rows([_row(at, self._result.nodes[at], *self._ends[at]) for at in order[:MAX_ROWS]])
        if self._result.levels:
            self.picture.mark(() if is_all else order)
            self.picture.choose(order[0] if order and not is_all else None)

    def _on_chosen(self, nodes: Sequence[int]) -> None:
        """Show the operator of a clicked box in the list, or list those of a folded one."""
        if len(nodes) > 1:
            self.show_nodes(nodes, _("in this box"))
        else:
            if self.table.chosen_id != str(nodes[0]):
                self.show_nodes(nodes, _("in this box")) if nodes[0] not in self._order[:MAX_ROWS] else self.show_all()
            self.table.choose(str(nodes[0]))


def _searched(node: ChangedNode) -> str:
    return " ".join((node.a or "", node.b or "", node.op, node.op_b)).lower()


def _row(at: int, node: ChangedNode, end: str, scope: str) -> TableRow:
    before = "" if node.ms_a is None or node.ms_b is None else _("before {0}").format(ms_words(node.ms_a))
    cells = (
        Cell(
            end or op_words(node), tip=name_of(node), below=f"{_(STATUS_WORDS[node.status])}, {scope or op_words(node)}"
        ),
        Cell(error_words(node), tone="bad" if node.nan in ("a", "b") else ""),
        Cell(ms_words(node.ms_a if node.ms_b is None else node.ms_b), below=before),
    )
    return TableRow(str(at), cells, details=facts_of(node))
