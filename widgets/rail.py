"""Show the rail at the window's left: one entry per page, with a mark of the progress."""

from collections.abc import Mapping, Sequence
from typing import Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QButtonGroup, QFrame, QPushButton, QScrollArea, QWidget

from widgets.icons import IconLabel, bind_icon
from widgets.page_registry import PageSpec
from widgets.parts.format import percent
from widgets.parts.layout import STRETCH, held, in_column, in_row
from widgets.parts.text import label
from widgets.theme import Theme, restyle
from widgets.tokens import COMPACT_RAIL_WIDTH, CONTROL_HEIGHT, RAIL_WIDTH, SPACE_M, SPACE_S, TOP_BAR_HEIGHT
from workers.contracts.translation import _

Mark = Literal["done", "current", ""]

MOST_NUMBERS = 9


class RailEntry(QPushButton):
    """The entry of one page, owned by the rail."""

    def __init__(self, theme: Theme, spec: PageSpec, parent: QWidget) -> None:
        """Create the entry of a page without a mark."""
        super().__init__(_(spec.title), parent)
        self.spec = spec
        self.mark: Mark = ""
        self.setProperty("kind", "nav")
        self.setCheckable(True)
        self.setMinimumSize(QSize(0, CONTROL_HEIGHT))
        self.setAccessibleName(_(spec.title))
        self._icon = bind_icon(theme, self, spec.icon, "soft", token_on="brand", gap_px=8)
        self._share = label("", "caption", wrap=False)
        self._share.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._share.hide()
        self._mark = IconLabel(theme)
        self._mark.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.toggled.connect(lambda _on: self._show_mark())
        self._marks = held(in_row(self._share, self._mark, gap=None))
        self._marks.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        in_row(STRETCH, self._marks, gap=None, edges=(SPACE_S, 0, SPACE_S, 0), parent=self)

    def set_compact(self, is_compact: bool) -> None:
        """Show the icon alone, or with the text and the mark."""
        self.setText("" if is_compact else _(self.spec.title))
        self._marks.setVisible(not is_compact)

    def set_share(self, share: float | None) -> None:
        """Set the progress of the page's job, 0..1, shown in whole percent; None for no job."""
        text = "" if share is None else percent(share, 0)
        if text == self._share.text():
            return
        self._share.setText(text)
        self._share.setVisible(bool(text))
        self._update_name()

    def set_mark(self, mark: Mark) -> None:
        """Set the mark: a check for a finished step, a caret for the next or active one."""
        self.mark = mark
        self._show_mark()
        self._icon.set(self.spec.icon, "ink" if mark == "done" else "soft", "brand")
        self._update_name()
        restyle(self, mark=mark)

    def _update_name(self) -> None:
        report = {"done": _("done"), "current": _("this is next"), "": ""}
        self.setAccessibleDescription(self._share.text() or report[self.mark])

    def _show_mark(self) -> None:
        is_here = self.mark == "current" and self.isChecked()
        self._mark.set_icon({"done": "check", "current": "" if is_here else "caret-right", "": ""}[self.mark], "brand")


class Rail(QFrame):
    """The entries of all pages with a place in the rail: steps at the top, the rest at the bottom. Owned by the window.

    Ctrl+1 to Ctrl+9 open them.
    """

    page_requested = Signal(str)

    def __init__(self, theme: Theme, pages: Sequence[PageSpec], parent: QWidget | None = None) -> None:
        """Create the entries of `pages`."""
        super().__init__(parent)
        self.setProperty("kind", "rail")
        self.setFixedWidth(RAIL_WIDTH)
        self.setAccessibleName(_("Pages"))
        self.entries: dict[str, RailEntry] = {}
        self._group = QButtonGroup(self)
        steps, rest = (
            [self._entry(theme, page) for page in pages if page.place == place] for place in ("step", "rest")
        )
        area = QScrollArea(self)  # in a low window, or with large text
        edges, inside = (SPACE_M, 0, SPACE_M, SPACE_M), QWidget(area)
        inside.setProperty("kind", "page")
        in_column(self._logo(theme), SPACE_S, *steps, STRETCH, *rest, gap=2, edges=edges, parent=inside)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidgetResizable(True)
        area.setWidget(inside)
        in_column(area, gap=0, edges=(0, 0, 1, 0), parent=self)
        self._kept = area, inside  # without references, a garbage collection soon after the start deletes both
        self._above = {spec.id: spec.below or spec.id for spec in pages}
        self._add_keys()

    def _add_keys(self) -> None:
        numbered = [entry for entry in self.entries.values() if entry.spec.place == "step" or entry.spec.has_number]
        report = {entry.spec.id: f"Ctrl+{number}" for number, entry in enumerate(numbered[:MOST_NUMBERS], 1)}
        for page_id, combination in report.items():
            keys = QShortcut(QKeySequence(combination), self)
            keys.setContext(Qt.ShortcutContext.WindowShortcut)
            keys.activated.connect(lambda page_id=page_id: self.page_requested.emit(page_id))
        for page_id, entry in self.entries.items():
            combination = report.get(page_id) or entry.spec.shortcut
            entry.setToolTip(f"{entry.text()} ({combination})" if combination else entry.text())

    def set_compact(self, is_compact: bool) -> None:
        """Show icons without texts, which leaves more room for the page."""
        self.setFixedWidth(COMPACT_RAIL_WIDTH if is_compact else RAIL_WIDTH)
        self._name.setVisible(not is_compact)
        for entry in self.entries.values():
            entry.set_compact(is_compact)

    def _logo(self, theme: Theme) -> QWidget:
        holder = QWidget()
        holder.setFixedHeight(TOP_BAR_HEIGHT)
        self._name = label("Fettle", "section", wrap=False)
        logo = IconLabel(theme, "activity", "brand", 20)
        in_row(logo, (self._name, 1), edges=(SPACE_S, 0, SPACE_S, 0), parent=holder)
        return holder

    def _entry(self, theme: Theme, spec: PageSpec) -> RailEntry:
        entry = RailEntry(theme, spec, self)
        entry.clicked.connect(lambda: self.page_requested.emit(spec.id))
        self._group.addButton(entry)
        self.entries[spec.id] = entry
        return entry

    def set_current(self, page_id: str) -> None:
        """Mark the entry of the open page."""
        self.entries[self._above[page_id]].setChecked(True)

    def set_marks(self, marks: Mapping[str, Mark]) -> None:
        """Set the progress marks; pages without one lose theirs."""
        for page_id, entry in self.entries.items():
            if entry.mark != marks.get(page_id, ""):
                entry.set_mark(marks.get(page_id, ""))
