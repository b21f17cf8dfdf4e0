"""Show an optional set of packages in one row, with its buttons and progress."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from widgets.parts.buttons import GhostButton
from widgets.parts.format import size_bytes
from widgets.parts.installing.value import SetValue
from widgets.parts.layout import LEFT, STRETCH, in_column, in_row
from widgets.parts.page import Page
from widgets.parts.small import Bar
from widgets.parts.text import words
from widgets.theme import Theme
from widgets.tokens import SPACE_S
from workers.contracts.translation import _


class InstallingPage(Page):
    """A page with rows of sets; `install_requested` and `removal_requested` carry the name of a set."""

    install_requested = Signal(str)
    removal_requested = Signal(str)
    stop_install_requested = Signal()

    def show_set(self, value: SetValue) -> None:
        """Show an offer or its progress on every row of that set, in place."""
        for row in self.findChildren(InstallRow):
            if row.name == value.name:
                row.show_value(value)


class InstallRow(QWidget):
    """The row of a set, with buttons that install it or stop that, and that remove it."""

    def __init__(self, theme: Theme, value: SetValue, subject: str, page: InstallingPage) -> None:
        """Create the row of a set for a page; `subject` names what needs the set."""
        super().__init__()
        self._page, self._subject = page, subject
        self.name = value.name
        self._value = value
        self._text = words("", "caption")
        self._bar = Bar(_("Progress of the installation"))
        self._button = GhostButton(theme, _("Install"), "download-simple", "small", on=self._on_clicked)
        self._remove = GhostButton(theme, _("Remove"), "trash", "small", on=self._on_remove)
        self._remove.setAccessibleName(_("Remove “{0}”").format(subject))
        buttons = in_row((self._button, LEFT), (self._remove, LEFT), STRETCH, gap=SPACE_S)
        in_column(self._text, self._bar, buttons, parent=self)
        self.show_value(value)

    def show_value(self, value: SetValue) -> None:
        """Show the offer or the progress of the installation."""
        self._value = value
        at_work = value.installing
        self._bar.setVisible(at_work is not None)
        has_button = at_work is not None or not value.is_there
        if self._button.hasFocus() or self._remove.hasFocus():  # with a hidden button's focus, Qt would move the page
            stays = self._button if has_button else self._remove
            stays.show()
            stays.setFocus()
        self._remove.setVisible(at_work is None and value.used_bytes > 0)
        self._button.setVisible(has_button)
        if at_work is not None:
            self._text.setText(", ".join(part for part in (at_work.elapsed, at_work.line) if part))
            self._bar.set_share(at_work.share)
            self._button.relabel(_("Stop"), "x")
            self._button.setAccessibleName(_("Stop installing “{0}”").format(self._subject))
            self._button.setEnabled(not at_work.is_stopping)
            return
        download = size_bytes(value.download_bytes) if value.download_bytes else ""
        self._button.relabel(_("Install ({0})").format(download) if download else _("Install"), "download-simple")
        self._button.setAccessibleName(_("Install what “{0}” needs").format(self._subject))
        self._button.setEnabled(True)
        self._text.setText(self._state(value))

    @staticmethod
    def _state(value: SetValue) -> str:
        used = size_bytes(value.used_bytes)
        if value.is_there and not value.used_bytes:
            return _("Part of Fettle's installation.")
        if value.is_there:
            return _("Installed, {0} on the disk.").format(used)
        if value.used_bytes:
            return _("Not complete; {0} on the disk. Installing it goes on where it stopped.").format(used)
        if value.name == "base":
            return _("A part of Fettle's own installation is missing.")
        return _("Needs a one-time download.")

    def _on_clicked(self) -> None:
        if self._value.installing is not None:
            self._page.stop_install_requested.emit()
        else:
            self._page.install_requested.emit(self.name)

    def _on_remove(self) -> None:
        self._page.removal_requested.emit(self.name)
