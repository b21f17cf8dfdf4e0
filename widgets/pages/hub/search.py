"""Show the search bar: text, task and license, and below them size, runtime support and order."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QWidget

from widgets.pages.hub.value import HubQueryValue
from widgets.parts.buttons import GhostButton
from widgets.parts.fields import ChoiceField, SearchField
from widgets.parts.layout import in_column, in_flow, in_row
from widgets.theme import Theme
from workers.contracts.translation import _

LEAST_CHARS = 2
"""Least number of characters for an automatic search; the Search button accepts fewer."""
MEGABYTE = 1_000_000


class HubSearchBar(QWidget):
    """The search bar; `search_requested(HubQueryValue)` follows a typing pause, a changed choice or the button."""

    search_requested = Signal(object)

    def __init__(self, theme: Theme) -> None:
        """Create an empty search bar."""
        super().__init__()
        self.field = SearchField(theme, _("Search the hub"), _("What should it do?"))
        self._task = self._choice(_("What it does"), [("", _("Any task"))])
        licenses = [(False, _("Any license")), (True, _("Allows business use"))]
        self._license = self._choice(_("License"), licenses)
        self._small_license = self._choice(_("License"), licenses, small=True)
        for field, other in ((self._license, self._small_license), (self._small_license, self._license)):
            field.currentIndexChanged.connect(other.setCurrentIndex)
        sizes = [
            (None, _("Any size")),
            (100 * MEGABYTE, _("Up to 100 MB")),
            (500 * MEGABYTE, _("Up to 500 MB")),
            (2000 * MEGABYTE, _("Up to 2 GB")),
        ]
        orders = [
            ("trending", _("Popular now first")),
            ("downloads", _("Most downloaded first")),
            ("likes", _("Most liked first")),
            ("updated", _("Changed last first")),
            ("created", _("Newest first")),
        ]
        places = [(False, _("Runs anywhere")), (True, _("Runs here"))]
        self._size = self._choice(_("Size"), sizes, small=True)
        self._runs = self._choice(_("Runs here"), places, small=True)
        self._sort = self._choice(_("Order"), orders, small=True)
        search = GhostButton(theme, _("Search"), on=self._ask)
        in_column(
            in_row((self.field, 1), self._task, self._license, search),
            in_flow(self._small_license, self._size, self._runs, self._sort),
            parent=self,
        )
        self.field.entered.connect(lambda _text: self._ask())
        self.field.settled.connect(self._on_settled)
        self.set_narrow(False)

    def _choice(self, name: str, entries: Sequence[tuple[Any, str]], *, small: bool = False) -> ChoiceField:
        field = ChoiceField(name, ((text, value) for value, text in entries), small=small)
        field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)  # entries and font may change
        field.activated.connect(lambda _index: self._ask())
        return field

    def set_tasks(self, tasks: Sequence[tuple[str, str]]) -> None:
        """Set the tasks to choose from: (id, description)."""
        while self._task.count() > 1:
            self._task.removeItem(1)
        for task, text in tasks:
            self._task.addItem(text, task)

    @property
    def value(self) -> HubQueryValue:
        """Return the current search."""
        return HubQueryValue(
            text=self.field.text().strip(),
            task=self._task.currentData(),
            business=self._license.currentData(),
            max_bytes=self._size.currentData(),
            runs_here=self._runs.currentData(),
            sort=self._sort.currentData(),
        )

    def show_value(self, value: HubQueryValue) -> None:
        """Show a search without starting it."""
        self.field.show_count(value.text)
        for field, wanted in (
            (self._task, value.task),
            (self._license, value.business),
            (self._size, value.max_bytes),
            (self._runs, value.runs_here),
            (self._sort, value.sort),
        ):
            field.choose(wanted)

    def set_narrow(self, is_narrow: bool) -> None:
        """Move the choice of licenses to the second row in a narrow page."""
        self._license.setVisible(not is_narrow)
        self._small_license.setVisible(is_narrow)

    def _ask(self) -> None:
        self.search_requested.emit(self.value)

    def _on_settled(self, text: str) -> None:
        if len(text) >= LEAST_CHARS or not text:
            self._ask()
