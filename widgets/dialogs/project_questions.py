"""Create the questions about a project: its name and its deletion."""

from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from widgets.parts.format import clipped
from widgets.parts.question import Answer, QuestionDialog, QuestionValue
from widgets.parts.text import words
from widgets.theme import Theme
from workers.contracts.translation import _

MAX_NAME = 120


class RenameQuestion(QuestionDialog):
    """The question for a project's new name; its answers are "rename", or "keep" or "" to leave the name.

    `name` is the typed text.
    """

    def __init__(self, theme: Theme, name: str, window: QWidget) -> None:
        """Create the question with the current name in its field."""
        value = QuestionValue(
            title=_("Rename this project"),
            text=_("The model's file keeps its own name."),
            answers=(Answer("keep", _("Keep the name")), Answer("rename", _("Rename"), primary=True)),
            icon="pencil-simple",
        )
        super().__init__(theme, value, window)
        self._field = QLineEdit(name)
        self._field.setAccessibleName(_("Name of the project"))
        self._field.setMaxLength(MAX_NAME)
        self._field.setAcceptDrops(False)
        self._field.selectAll()
        self.body.addWidget(self._field)
        self._field.setFocus()
        button = self.findChild(QPushButton, "answer-rename")
        assert button is not None
        self._field.textChanged.connect(lambda text: button.setEnabled(bool(text.strip())))

    @property
    def name(self) -> str:
        """Return the text in the field."""
        return self._field.text()


def delete_question(theme: Theme, window: QWidget, name: str, lost: str) -> QuestionDialog:
    """Return the question before a project moves to the trash; `lost` names what is deleted with it.

    Its answers are "delete", or "keep" or "".
    """
    value = QuestionValue(
        title=_("Delete this project?"),
        text=_("“{0}” goes to the trash, from which you can restore it.").format(clipped(name, MAX_NAME)),
        points=(lost, _("The model's file, your data and exported bundles stay where they are.")),
        answers=(Answer("keep", _("Keep it"), primary=True), Answer("delete", _("Delete"))),
        icon="trash",
        tone="warn",
    )
    return QuestionDialog(theme, value, window)


def forget_question(theme: Theme, window: QWidget, name: str, lost: str) -> QuestionDialog:
    """Return the question before a permanent deletion from the trash; its answers are "delete", or "keep" or ""."""
    value = QuestionValue(
        title=_("Delete it for good?"),
        text=_("“{0}” cannot be restored after this.").format(clipped(name, MAX_NAME)),
        points=(lost, _("The model's file, your data and exported bundles stay where they are.")),
        answers=(Answer("keep", _("Keep it"), primary=True), Answer("delete", _("Delete for good"))),
        icon="trash",
        tone="bad",
    )
    dialog = QuestionDialog(theme, value, window)
    text = _("Its versions stay on the disk until you free disk space in the settings.")
    dialog.body.addWidget(words(text, "caption"))
    return dialog
