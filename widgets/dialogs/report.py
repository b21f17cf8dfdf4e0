"""Show every file of a problem report before it is saved."""

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QButtonGroup, QDialog, QFileDialog, QWidget

from widgets.icons import IconLabel
from widgets.parts.buttons import GhostButton, PrimaryButton, ToggleButton
from widgets.parts.layout import TOP, in_column, in_flow, in_row
from widgets.parts.text import LogText, Tone, label, words
from widgets.theme import Theme, restyle
from widgets.tokens import SPACE_M, SPACE_XL
from workers.contracts.translation import _

_SIZE = (820, 600)


class ReportDialog(QDialog):
    """The dialog "Save a problem report"; `save_requested(path)` follows the choice of a place."""

    save_requested = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        """Create the dialog without files; `show_files` enables the button."""
        super().__init__(parent)
        title = _("Save a problem report")
        self._theme, self.files = theme, dict[str, str]()
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setModal(True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(_SIZE[0], min(_SIZE[1], parent.height() - SPACE_XL))
        about = _(
            "This is everything that the report holds. Names, paths, labels, addresses and tokens are replaced. "
            "Nothing is sent: you choose where it is saved, and who gets it."
        )
        head = in_row((IconLabel(theme, "lifebuoy", "brand", 24), TOP), (label(title, "section"), 1), gap=SPACE_M)
        self._choices = in_column(gap=0)
        self._text = LogText(_("Text of the file"), hint=_("One moment…"))
        self._text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._status = words("", "soft")
        self._close = GhostButton(theme, _("Cancel"), on=self.reject)
        self._save = PrimaryButton(theme, _("Save…"), "download-simple", on=self._on_save)
        self._save.setEnabled(False)
        foot = in_row((self._status, 1), self._close, self._save, gap=SPACE_M)
        parts = head, words(about), self._choices, (self._text, 1), foot
        in_column(*parts, gap=SPACE_M, edges=(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL), parent=self)

    def show_files(self, files: Mapping[str, str]) -> None:
        """Show the files by name; the first one is open."""
        self.files = dict(files)
        group = QButtonGroup(self)
        buttons = [
            ToggleButton(self._theme, name, group, checked=not at, on=lambda _on=False, name=name: self._show(name))
            for at, name in enumerate(self.files)
        ]
        self._choices.addWidget(in_flow(*buttons))
        self._show(next(iter(self.files)))
        self._save.setEnabled(True)
        self._save.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_end(self, text: str, *, is_saved: bool) -> None:
        """Show that the report was saved, or why it was not."""
        tone: Tone = "ok" if is_saved else "bad"
        self._status.setText(text)
        restyle(self._status, tone=tone)
        if is_saved:
            self._close.relabel(_("Close"))

    def _show(self, name: str) -> None:
        self._text.setAccessibleName(name)
        self._text.setPlainText(self.files[name])

    def _on_save(self) -> None:
        start, kinds = "fettle-report.zip", _("Problem reports (*.zip)")
        path = QFileDialog.getSaveFileName(self, _("Where should the report be saved?"), start, kinds)[0]
        if path:
            self.save_requested.emit(path)
