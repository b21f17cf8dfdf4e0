"""Create the question before space is freed, which names the removed and the kept files."""

from PySide6.QtWidgets import QWidget

from widgets.parts.question import Answer, QuestionDialog, QuestionValue
from widgets.theme import Theme
from workers.contracts.translation import _


def free_question(theme: Theme, window: QWidget, size: str, points: tuple[str, ...]) -> QuestionDialog:
    """Return the question whether to free `size`; its answers are "free", or "keep" or ""."""
    value = QuestionValue(
        title=_("Free {0}?").format(size),
        text=_("No project, run or release needs this. A run makes missing results again."),
        points=points,
        answers=(Answer("keep", _("Cancel")), Answer("free", _("Free {0}").format(size), primary=True)),
        icon="trash",
    )
    return QuestionDialog(theme, value, window)
