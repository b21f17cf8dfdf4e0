"""Show every file of a problem report before it is saved."""

from collections.abc import Mapping

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QButtonGroup, QFileDialog, QWidget

from widgets.parts.buttons import ToggleButton
from widgets.parts.layout import in_flow
from widgets.parts.question import Answer, QuestionDialog, QuestionValue
from widgets.parts.text import LogText
from widgets.theme import Theme
from workers.contracts.translation import _

_TEXT_SIZE = (770, 320)


def report_question(theme: Theme, window: QWidget, files: Mapping[str, str]) -> QuestionDialog:
    """Return the dialog with the text of each file; its answers are "save", or "cancel" or "" to drop the report."""
    value = QuestionValue(
        title=_("Save a problem report"),
        text=_(
            "This is everything that the report holds. Names, paths, labels, addresses and tokens are replaced. "
            "Nothing is sent: you choose where it is saved, and who gets it."
        ),
        answers=(Answer("cancel", _("Cancel")), Answer("save", _("Save…"), primary=True)),
        icon="lifebuoy",
    )
    dialog = QuestionDialog(theme, value, window)
    text = LogText("")
    text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    text.setMinimumSize(*_TEXT_SIZE)

    def show(name: str) -> None:
        text.setAccessibleName(name)
        text.setPlainText(files[name])

    group, first = QButtonGroup(dialog), next(iter(files))
    buttons = [ToggleButton(theme, name, group, checked=name == first, on=lambda: None) for name in files]
    group.buttonClicked.connect(lambda button: show(button.text()))
    dialog.body.addWidget(in_flow(*buttons))
    dialog.body.addWidget(text, 1)
    show(first)
    return dialog


def ask_report_place(window: QWidget) -> str:
    """Open the system's dialog for a new report and return its path, "" for none."""
    title, kinds = _("Where should the report be saved?"), _("Problem reports (*.zip)")
    return QFileDialog.getSaveFileName(window, title, "fettle-report.zip", kinds)[0]
