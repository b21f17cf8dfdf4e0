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
        text=_("It leads out of Fettle. Check that this is the right address:"),
        answers=(Answer("no", _("Stay here"), primary=True), Answer("open", _("Open it"))),
        icon="globe",
    )
    dialog = QuestionDialog(theme, value, window)
    dialog.body.addWidget(label(address[:MAX_ADDRESS], "code", select=True))
    return dialog


def pickle_question(theme: Theme, window: QWidget, name: str) -> QuestionDialog:
    """Return the question about files that may contain a program.

    Its answers are "download", "safe" to search for another model, or "".
    """
    value = QuestionValue(
        title=_("These files can contain a program"),
        text=_("“{0}” stores its weights only in a format that can contain a program.").format(clipped(name, 80)),
        points=(
            _("Fettle downloads them as they are and runs nothing in them."),
            _("They are searched before they are opened. Anything but plain numbers is refused."),
            _("A model in a safe format does not have this risk."),
        ),
        answers=(
            Answer("download", _("Download anyway")),
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
        text=_("{0} uses “{1}”.").format(used, clipped(name, 80)),
        points=(
            _("Results, versions and bundles stay and keep working."),
            _("To open the original again, you must download it again."),
        ),
        answers=(Answer("keep", _("Keep it"), primary=True), Answer("remove", _("Remove it"))),
        icon="trash",
        tone="warn",
    )
    return QuestionDialog(theme, value, window)
