"""Show a missing set of packages in one row, with its install button and progress."""

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
from workers.contracts.translation import _


class InstallingPage(Page):
    """A page with rows of missing sets; `install_requested` carries the name of a set."""

    install_requested = Signal(str)
    stop_install_requested = Signal()

    def show_set(self, value: SetValue) -> None:
        """Show an offer or its progress on every row of that set, in place."""
        for row in self.findChildren(InstallRow):
            if row.name == value.name:
                row.show_value(value)


class InstallRow(QWidget):
    """The row of a missing set, with a button that installs it or stops that."""

    def __init__(self, theme: Theme, value: SetValue, subject: str, page: InstallingPage) -> None:
        """Create the row of a set for a page; `subject` names what needs the set."""
        super().__init__()
        self._page = page
        self.name = value.name
        self._value = value
        self._text = words("", "caption")
        self._bar = Bar(_("Progress of the installation"))
        self._button = GhostButton(theme, _("Install"), "download-simple", "small", on=self._on_clicked)
        self._button.setAccessibleName(_("Install what “{0}” needs").format(subject))
        in_column(self._text, self._bar, in_row((self._button, LEFT), STRETCH, gap=None), parent=self)
        self.show_value(value)

    def show_value(self, value: SetValue) -> None:
        """Show the offer or the progress of the installation."""
        self._value = value
        at_work = value.installing
        self._bar.setVisible(at_work is not None)
        if at_work is not None:
            self._text.setText(", ".join(part for part in (at_work.elapsed, at_work.line) if part))
            self._bar.set_share(at_work.share)
            self._button.setText(_("Stop"))
            self._button.setEnabled(not at_work.is_stopping)
            return
        self._button.setText(_("Install"))
        self._button.setEnabled(True)
        if value.name == "base":
            self._text.setText(_("A part of Fettle's own installation is missing."))
        elif value.download_bytes:
            self._text.setText(_("Needs a one-time download of {0}.").format(size_bytes(value.download_bytes)))
        else:
            self._text.setText(_("Needs a one-time download."))

    def _on_clicked(self) -> None:
        if self._value.installing is not None:
            self._page.stop_install_requested.emit()
        else:
            self._page.install_requested.emit(self.name)
