"""The way through, at the window's left: one entry a page, with a mark of how far one is."""

from collections.abc import Collection, Mapping
from typing import Literal

from PySide6.QtCore import QCoreApplication, QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from widgets.icons import IconLabel, bind_icon
from widgets.parts.format import percent
from widgets.theme import Theme, restyle
from widgets.tokens import CONTROL_HEIGHT, RAIL_WIDTH, SPACE_M, SPACE_S, TOP_BAR_HEIGHT

Mark = Literal["done", "current", ""]

STEPS = ("model", "data", "goal", "optimize", "compare", "try", "export")
REST = ("projects", "jobs", "settings", "guide")
NUMBERED = (*STEPS, "jobs", "settings")
"""Those that Ctrl and a number lead to."""
BELOW = {
    "hub": "model",
    "answers": "compare",
    "stress": "compare",
    "load": "compare",
    "tried": "compare",
    "layers": "compare",
}
"""Pages without an entry of their own, and where they belong."""
_ICONS = {
    "model": "cube",
    "data": "image",
    "goal": "target",
    "optimize": "gauge",
    "compare": "chart-bar",
    "try": "play",
    "export": "package",
    "projects": "folders",
    "jobs": "stack",
    "settings": "gear-six",
    "guide": "question",
}


def page_title(page_id: str) -> str:
    """Name of a page, in the person's language."""
    names = {
        "model": QCoreApplication.translate("rail", "Model"),
        "data": QCoreApplication.translate("rail", "Data"),
        "goal": QCoreApplication.translate("rail", "Goal"),
        "optimize": QCoreApplication.translate("rail", "Optimize"),
        "compare": QCoreApplication.translate("rail", "Compare"),
        "try": QCoreApplication.translate("rail", "Try it"),
        "export": QCoreApplication.translate("rail", "Export"),
        "projects": QCoreApplication.translate("rail", "Projects"),
        "jobs": QCoreApplication.translate("rail", "Jobs"),
        "settings": QCoreApplication.translate("rail", "Settings"),
        "guide": QCoreApplication.translate("rail", "Guide"),
    }
    return names[page_id]


class RailEntry(QPushButton):
    """One page's entry."""

    def __init__(self, theme: Theme, page_id: str, parent: QWidget) -> None:
        super().__init__(page_title(page_id), parent)
        self.page_id = page_id
        self.mark: Mark = ""
        self.setProperty("kind", "nav")
        self.setCheckable(True)
        self.setMinimumSize(QSize(0, CONTROL_HEIGHT))
        self.setAccessibleName(page_title(page_id))
        self._icon = bind_icon(theme, self, _ICONS[page_id], "soft", token_on="brand", gap_px=8)
        self._share = QLabel()
        self._share.setProperty("role", "caption")
        self._share.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._share.hide()
        self._mark = IconLabel(theme)
        self._mark.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.toggled.connect(lambda _on: self._show_mark())
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_S, 0, SPACE_S, 0)
        row.addStretch(1)
        row.addWidget(self._share)
        row.addWidget(self._mark)

    def set_share(self, share: float | None) -> None:
        """How far the work behind this page is, 0..1, in whole percent; None for no work."""
        text = "" if share is None else percent(share, 0)
        if text == self._share.text():
            return
        self._share.setText(text)
        self._share.setVisible(bool(text))
        self._tell()

    def set_mark(self, mark: Mark) -> None:
        """A check for what is done, a dot for the step that is next or at work."""
        self.mark = mark
        self._show_mark()
        self._icon.set(_ICONS[self.page_id], "ink" if mark == "done" else "soft", "brand")
        self._tell()
        restyle(self, mark=mark)

    def _tell(self) -> None:
        told = {"done": self.tr("done"), "current": self.tr("this is next"), "": ""}
        self.setAccessibleDescription(self._share.text() or told[self.mark])

    def _show_mark(self) -> None:
        is_here = self.mark == "current" and self.isChecked()
        self._mark.set_icon({"done": "check", "current": "" if is_here else "caret-right", "": ""}[self.mark], "brand")


class Rail(QFrame):
    """Shows entries for the pages that exist, and no others. Ctrl+1 to 9 go to them."""

    page_requested = Signal(str)

    def __init__(self, theme: Theme, page_ids: Collection[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "rail")
        self.setFixedWidth(RAIL_WIDTH)
        self.setAccessibleName(self.tr("Pages"))
        self.entries: dict[str, RailEntry] = {}
        self._group = QButtonGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_M, 0, SPACE_M, SPACE_M)
        layout.setSpacing(2)
        layout.addWidget(self._logo(theme))
        layout.addSpacing(SPACE_S)
        for page_id in STEPS + REST:
            if page_id == REST[0]:
                layout.addStretch(1)
            if page_id in page_ids:
                layout.addWidget(self._entry(theme, page_id))
        for number, page_id in enumerate((page for page in NUMBERED if page in page_ids), 1):
            keys = QShortcut(QKeySequence(f"Ctrl+{number}"), self)
            keys.setContext(Qt.ShortcutContext.WindowShortcut)
            keys.activated.connect(lambda page_id=page_id: self.page_requested.emit(page_id))
            self.entries[page_id].setToolTip(f"{page_title(page_id)} ({keys.key().toString()})")
        if "guide" in self.entries:
            self.entries["guide"].setToolTip(f"{page_title('guide')} (F1)")

    def _logo(self, theme: Theme) -> QWidget:
        holder = QWidget()
        holder.setFixedHeight(TOP_BAR_HEIGHT)
        row = QHBoxLayout(holder)
        row.setContentsMargins(SPACE_S, 0, SPACE_S, 0)
        row.setSpacing(SPACE_S)
        row.addWidget(IconLabel(theme, "activity", "brand", 20))
        name = QLabel("Fettle")
        name.setProperty("role", "section")
        row.addWidget(name, 1)
        return holder

    def _entry(self, theme: Theme, page_id: str) -> RailEntry:
        entry = RailEntry(theme, page_id, self)
        entry.clicked.connect(lambda: self.page_requested.emit(page_id))
        self._group.addButton(entry)
        self.entries[page_id] = entry
        return entry

    def set_current(self, page_id: str) -> None:
        """Show which page is open."""
        self.entries[BELOW.get(page_id, page_id)].setChecked(True)

    def set_marks(self, marks: Mapping[str, Mark]) -> None:
        """Show how far one is; pages that are not named lose their mark."""
        for page_id, entry in self.entries.items():
            if entry.mark != marks.get(page_id, ""):
                entry.set_mark(marks.get(page_id, ""))
