"""Show the page Projects: open, rename, delete and restore projects."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from PySide6.QtCore import QEvent, QModelIndex, QPoint, Qt, Signal, SignalInstance
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QMenu

from widgets.parts.buttons import GhostButton, PrimaryButton, TextButton
from widgets.parts.card import Card, TableCard, divider
from widgets.parts.format import ago, count, moment
from widgets.parts.layout import STRETCH, in_row
from widgets.parts.page import Page
from widgets.parts.small import PageHead
from widgets.parts.tables.table import Cell, Column, Table, TableRow
from widgets.parts.text import ElidedLabel, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S
from workers.contracts.translation import _


def _emitter(signal: SignalInstance, key: str) -> Callable[[], None]:
    return lambda: signal.emit(key)


@dataclass(frozen=True)
class ProjectRowValue:
    """A project in the table; `model` is the file name of its model, `is_open` means that the other pages show it."""

    id: str
    name: str
    model: str
    n_results: int
    changed_at: datetime
    is_open: bool = False


Projects = tuple[tuple[ProjectRowValue, ...], tuple[tuple[str, str, datetime], ...]]
"""All projects, the one that was changed last first; then id, name and time of deletion of those in the trash."""


class ProjectTable(Table):
    """The table of projects, in which F2 and Delete act on the chosen row."""

    rename_pressed = Signal()
    delete_pressed = Signal()
    menu_wanted = Signal(QPoint)

    def _on_clicked(self, index: QModelIndex) -> None:
        """Do nothing, because a click only chooses a row."""

    def event(self, event: QEvent) -> bool:
        """Take the keys of the table from the window's shortcuts while the table has the focus."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _is_own(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Rename with F2, delete with Delete, and open the menu at the row with the menu key."""
        if event.key() == Qt.Key.Key_F2:
            self.rename_pressed.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.delete_pressed.emit()
        elif event.key() == Qt.Key.Key_Menu:
            place = self.visualRect(self.currentIndex())
            self.menu_wanted.emit(self.viewport().mapToGlobal(place.bottomLeft()))
        else:
            super().keyPressEvent(event)


def _is_own(event: QKeyEvent) -> bool:
    return event.key() in (Qt.Key.Key_F2, Qt.Key.Key_Delete) and event.modifiers() == Qt.KeyboardModifier.NoModifier


class ProjectsPage(Page):
    """The page Projects; every signal except `new_requested` carries a project's id."""

    new_requested = Signal()
    open_requested = Signal(str)
    rename_requested = Signal(str)
    delete_requested = Signal(str)
    restore_requested = Signal(str)
    forget_requested = Signal(str)

    def __init__(self, theme: Theme) -> None:
        """Create the page."""
        super().__init__(theme, _("Projects"))
        self._table: ProjectTable | None = None

    def show_empty(self) -> None:
        """Show that there is no project yet."""
        go = PrimaryButton(self.theme, _("Start with a model"), "cube", on=self.new_requested)
        text = _("Each model that you open becomes a project, with your data and all results.")
        self._table = None
        self._fill_empty("folders", _("No projects yet"), text, go, head=_("Projects"))

    def show_value(self, value: Projects) -> None:
        """Show the table, and the trash below it."""
        projects, trash = value
        kept = self._chosen_id
        had_focus = self._table is not None and self.window().focusWidget() is self._table
        if not projects and not trash:
            self.show_empty()
            return
        new = PrimaryButton(self.theme, _("New project"), "plus", on=self.new_requested, tip=_("New project (Ctrl+N)"))
        head = PageHead(_("Projects"), _("Each is one model with your data and its results."), new)
        self._table = table = self._make_table(projects, kept) if projects else None
        card = self._projects_card(table) if table is not None else None
        self._fill("full", head, card, self._trash(trash) if trash else None)
        if had_focus and table is not None:
            table.setFocus(Qt.FocusReason.OtherFocusReason)

    # -- parts --
    def _make_table(self, rows: tuple[ProjectRowValue, ...], kept: str) -> ProjectTable:
        columns = (
            Column(_("Project"), stretch=True),
            Column(_("Model")),
            Column(_("Results"), right=True),
            Column(_("Last worked on"), right=True),
        )
        table = ProjectTable(self.theme, _("Projects"), columns)
        table.show_rows([self._row(row) for row in rows], kept or next((r.id for r in rows if r.is_open), rows[0].id))
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.customContextMenuRequested.connect(lambda at: self._on_menu(table.viewport().mapToGlobal(at)))
        table.menu_wanted.connect(self._on_menu)
        table.opened.connect(lambda project_id, _column: self.open_requested.emit(project_id))
        table.doubleClicked.connect(lambda _index: self.open_requested.emit(self._chosen_id))
        table.rename_pressed.connect(lambda: self.rename_requested.emit(self._chosen_id))
        table.delete_pressed.connect(lambda: self.delete_requested.emit(self._chosen_id))
        return table

    def _projects_card(self, table: ProjectTable) -> Card:
        buttons = (
            GhostButton(self.theme, text, icon, "small", on=partial(self._emit_chosen, signal))
            for icon, text, signal in self._acts()
        )
        row = in_row(*buttons, STRETCH, edges=(SPACE_L - 1, SPACE_S, SPACE_L - 1, SPACE_M))
        return TableCard(table, row, name=_("Projects"))

    def _acts(self) -> tuple[tuple[str, str, SignalInstance], ...]:
        """Return icon, text and signal of what can be done with the chosen project."""
        return (
            ("folder-open", _("Open"), self.open_requested),
            ("pencil-simple", _("Rename…"), self.rename_requested),
            ("trash", _("Delete…"), self.delete_requested),
        )

    def _emit_chosen(self, signal: SignalInstance, _checked: bool = False) -> None:
        signal.emit(self._chosen_id)

    def _row(self, row: ProjectRowValue) -> TableRow:
        cells = (
            Cell(row.name, strong=row.is_open),
            Cell(row.model, tone="soft"),
            Cell(count(row.n_results)),
            Cell(moment(row.changed_at)),
        )
        return TableRow(row.id, cells)

    def _trash(self, rows: tuple[tuple[str, str, datetime], ...]) -> Card:
        about = _("Deleted projects stay here until you remove them for good. You can restore each one.")
        card = Card(_("Trash"), words(about, "soft"))
        for key, name, deleted_at in rows:
            full, on = _("Restore “{0}”").format(name), _emitter(self.restore_requested, key)
            restore = GhostButton(self.theme, _("Restore"), "arrow-u-up-left", "small", name=full, on=on)
            full, on = _("Delete “{0}” for good").format(name), _emitter(self.forget_requested, key)
            forget = TextButton(self.theme, _("Delete for good…"), "", "small", name=full, on=on)
            line = in_row(
                (ElidedLabel(name, "strong"), 1),
                label(_("deleted {0}").format(ago(deleted_at)), "caption", wrap=False),
                restore,
                forget,
            )
            card.add(divider(), line)
        return card

    # -- slots --
    @property
    def _chosen_id(self) -> str:
        return self._table.chosen_id if self._table is not None else ""

    def _on_menu(self, at: QPoint) -> None:
        if not self._chosen_id:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for _icon, text, signal in self._acts():
            menu.addAction(text).triggered.connect(_emitter(signal, self._chosen_id))
        menu.popup(at)
