"""Create the questions before an address opens in the browser and before files that may contain a program download."""

from PySide6.QtWidgets import QWidget

from widgets.parts.format import clipped
from widgets.parts.question import Answer, QuestionDialog, QuestionValue
from widgets.parts.text import label
from widgets.theme import Theme
from workers.contracts.translation import _

MAX_ADDRESS = 2000


def link_question(theme: Theme, window: QWidget, address: str) -> QuestionDialog:
    """Return the question that shows the whole address; its answers are "open", or "no" or "" to stay."""
    value = QuestionValue(
        title=_("Open this address in your browser?"),
        text=_("It leads out of Fettle. Look whether it is where you want to go:"),
        answers=(Answer("no", _("Stay here"), primary=True), Answer("open", _("Open it"))),
        icon="globe",
    )
    dialog = QuestionDialog(theme, value, window)
    shown = label(address[:MAX_ADDRESS], "code", select=True)
    dialog.body.addWidget(shown)
    return dialog


def pickle_question(theme: Theme, window: QWidget, name: str) -> QuestionDialog:
    """Return the question about files that may contain a program.

    Its answers are "download", "safe" to search for another model, or "".
    """
    value = QuestionValue(
        title=_("These files can hold a program"),
        text=_("“{0}” keeps its numbers only in a form that may carry a program along.").format(clipped(name, 80)),
        points=(
            _("Fettle downloads them as they are and runs nothing in them."),
            _("Before they are opened they are searched; what is not plain numbers is refused."),
            _("A model in a safe format needs no such care."),
        ),
        answers=(
            Answer("download", _("Download them all the same")),
            Answer("safe", _("Find a safe one"), primary=True),
        ),
        icon="shield-warning",
        tone="warn",
    )
    return QuestionDialog(theme, value, window)


def removal_question(theme: Theme, window: QWidget, name: str, projects: tuple[str, ...]) -> QuestionDialog:
    """Return the question about removing a download that projects use; its answers are "remove", "keep" or ""."""
    used = ", ".join(f"“{clipped(project, 40)}”" for project in projects[:3])
    value = QuestionValue(
        title=_("Remove a model that is in use?"),
        text=_("{0} was begun with “{1}”.").format(used, clipped(name, 80)),
        points=(
            _("Results, versions and bundles stay, and go on working."),
            _("To open the original anew, it must be downloaded again."),
        ),
        answers=(Answer("keep", _("Keep it"), primary=True), Answer("remove", _("Remove it"))),
        icon="trash",
        tone="warn",
    )
    return QuestionDialog(theme, value, window)
