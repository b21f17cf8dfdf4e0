"""Show the page Releases: the current release, the earlier ones, their changes, rollback and decisions."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from widgets.pages.compare.changes import ChangesCard
from widgets.pages.compare.value import ChangesValue
from widgets.pages.releases.cards import LogCard, ReleaseCard
from widgets.pages.releases.value import ReleaseState, ReleasesValue, ReleaseValue
from widgets.parts.buttons import GhostButton, PrimaryButton
from widgets.parts.card import EmptyCard, TableCard
from widgets.parts.cards.error import ErrorValue
from widgets.parts.format import moment, size_bytes
from widgets.parts.layout import clear, held, in_column
from widgets.parts.page import Page
from widgets.parts.question import Answer, QuestionDialog, QuestionValue
from widgets.parts.small import PageHead, TagKind
from widgets.parts.tables.table import Cell, Column, Table, TableRow
from widgets.theme import Theme
from workers.contracts.translation import _


class ReleasesPage(Page):
    """The page Releases; `return_requested(number)` makes a release the current one.

    `save_requested(number, path)` writes its bundle, and `examples_wanted(number)` requests the changed predictions.
    """

    return_requested = Signal(int)
    save_requested = Signal(int, str)
    prune_requested = Signal()
    examples_wanted = Signal(int)
    again_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        """Create the page."""
        super().__init__(theme, _("Releases"))
        self._value: ReleasesValue | None = None
        self._table: Table | None = None
        self._detail = QVBoxLayout()
        self._changes: ChangesCard | None = None

    # -- states --
    def show_empty(self, value: ReleasesValue | None = None) -> None:
        """Show that nothing is released yet, with the decisions that were made anyway."""
        text = _(
            "Make an exported bundle a release: Fettle numbers and keeps it, shows what changed, and "
            "can go back with one click."
        )
        card = EmptyCard(self.theme, "tag", _("Nothing is released yet"), text, self._add_next_button())
        self._table = None
        log = (LogCard(self.theme, value),) if value is not None and value.decisions else ()
        self._fill("empty", PageHead(_("Releases")), card, *log)

    def show_value(self, value: ReleasesValue) -> None:
        """Show the history; the chosen release stays chosen."""
        if not value.releases:
            self.show_empty(value)
            return
        before = self._table.chosen_id if self._table is not None and self.state == "full" else ""
        self._value = value
        columns = (
            Column(_("Release")),
            Column(_("Version"), stretch=True),
            Column(_("Answers")),
            Column(_("Size"), right=True),
            Column(_("Released"), right=True),
        )
        self._table = Table(self.theme, _("Releases"), columns)
        self._detail = in_column(gap=None)
        self._changes = None
        card, detail = TableCard(self._table), held(self._detail)
        self._fill("full", self._head(value), card, detail, LogCard(self.theme, value))
        shown = next((one for one in value.releases if one.state == "current"), value.releases[0])
        self._table.show_rows([self._row(one) for one in value.releases], str(shown.number))
        if before:
            self._table.choose(before)
        self._table.chosen.connect(lambda _id: self._show_detail())
        self._show_detail()

    def show_changes(self, number: int, value: ChangesValue) -> None:
        """Show the predictions that changed since the previous release; late values of another release are dropped."""
        chosen = self._chosen
        if chosen is None or chosen.number != number or not value.total:
            return
        if self._changes is not None:
            self._changes.show_value(value)
            return
        self._changes = ChangesCard(self.theme, self._pictures, value)
        self._detail.addWidget(self._changes)
        self._changes.show()

    def _loading_head(self) -> tuple[str, str]:
        return _("One moment"), _("Earlier releases stay unchanged.")

    def _error_actions(self, value: ErrorValue) -> tuple[QWidget, ...]:
        return (PrimaryButton(self.theme, _("Back to the releases"), "arrow-left", on=self.again_requested),)

    # -- parts --
    def _head(self, value: ReleasesValue) -> PageHead:
        current = next((one for one in value.releases if one.state == "current"), None)
        previous = next((one for one in value.releases if one.state == "previous"), None)
        title = _("Release {0} is current").format(current.number) if current else _("Releases")
        report = _("“{0}” of {1}, released {2}")
        remove = back = None
        if value.old:
            remove = GhostButton(self.theme, _("Remove old bundles…"), "trash", on=self._ask_prune)
        if previous is not None:
            text = _("Go back to release {0}").format(previous.number)
            if current is not None and previous.number > current.number:
                text = _("Go on to release {0}").format(previous.number)
            back = PrimaryButton(
                self.theme, text, "arrow-counter-clockwise", on=lambda: self.return_requested.emit(previous.number)
            )
        about = report.format(current.title, value.project, moment(current.at)) if current else ""
        return PageHead(title, about, remove, back)

    def _row(self, one: ReleaseValue) -> TableRow:
        names: dict[ReleaseState, tuple[TagKind, str]] = {
            "current": ("ok", _("{0}, current")),
            "previous": ("none", _("{0}, before it")),
            "kept": ("none", "{0}"),
            "removed": ("none", _("{0}, bundle removed")),
        }
        kind, text = names[one.state]
        if one.state == "previous" and self._value is not None and _is_later(one, self._value):
            text = _("{0}, after it")
        icon = {"kept": "package", "previous": "arrow-counter-clockwise", "removed": "trash"}.get(one.state, "")
        cells = (
            Cell(text.format(one.number), tag=kind, icon=icon),
            Cell(one.title, strong=one.state == "current", tip=one.target),
            Cell(one.changed),
            Cell(size_bytes(one.size_bytes)),
            Cell(moment(one.at)),
        )
        return TableRow(str(one.number), cells)

    @property
    def _chosen(self) -> ReleaseValue | None:
        chosen = self._table.chosen_id if self._table is not None else ""
        releases = self._value.releases if self._value is not None else ()
        return next((one for one in releases if str(one.number) == chosen), None)

    def _show_detail(self) -> None:
        one = self._chosen
        clear(self._detail)
        self._changes = None
        if one is None:
            return
        number = one.number
        card = ReleaseCard(self.theme, one, lambda: self.return_requested.emit(number), lambda: self._save(one))
        self._detail.addWidget(card)
        card.show()  # a layout shows it only at the next turn of the event loop
        self.examples_wanted.emit(number)

    # -- slots --
    def _save(self, one: ReleaseValue) -> None:
        if path := self._ask_place(one.file_name, one.suffix):
            self.save_requested.emit(one.number, path)

    def _ask_prune(self) -> None:
        value = self._value
        if value is None:
            return
        question = QuestionValue(
            title=_("Remove the bundles of old releases?"),
            text=_("{0:,} bundles go, which frees {1}.").format(value.old, size_bytes(value.old_bytes)),
            points=(
                _("The current release and the one before it stay."),
                _("The history stays: what was released when, and what changed."),
                _("You cannot go back to a release whose bundle was removed."),
            ),
            answers=(Answer("keep", _("Keep them"), primary=True), Answer("remove", _("Remove"))),
            icon="trash",
            tone="warn",
        )
        dialog = QuestionDialog(self.theme, question, self)
        dialog.answered.connect(lambda answer: self.prune_requested.emit() if answer == "remove" else None)
        dialog.open()


def _is_later(one: ReleaseValue, value: ReleasesValue) -> bool:
    """Return whether a release is newer than the current one, after a rollback."""
    return any(other.state == "current" and one.number > other.number for other in value.releases)
