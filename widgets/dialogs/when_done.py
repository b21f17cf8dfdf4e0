"""Announce that the computer is about to sleep or shut down, so that the person can prevent it."""

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QPushButton, QWidget

from widgets.parts.question import Answer, QuestionDialog, QuestionValue
from widgets.parts.text import label
from widgets.theme import Theme
from workers.contracts.translation import _

COUNT_S = 60


def power_question(theme: Theme, window: QWidget, power: str, seconds: int = COUNT_S) -> QuestionDialog:
    """Return the announcement; its answers are "now", also after `seconds`, or "stay" or "" for nothing."""
    is_off = power == "off"
    value = QuestionValue(
        title=_("The computer is about to shut down") if is_off else _("The computer is about to sleep"),
        text=_("You chose this for the end of the optimization. All results are saved."),
        answers=(
            Answer("now", _("Shut down now") if is_off else _("Sleep now")),
            Answer("stay", _("Cancel"), primary=True),
        ),
        icon="power" if is_off else "moon",
    )
    dialog = QuestionDialog(theme, value, window)
    left = label("", "strong", wrap=False)
    dialog.body.addWidget(left)
    (now,) = dialog.findChildren(QPushButton, "answer-now")
    timer, left_s = QTimer(dialog), iter(range(seconds, -1, -1))

    def count() -> None:
        if (second := next(left_s)) == 0:
            now.click()
        left.setText(_("In {0} seconds").format(second))

    timer.timeout.connect(count)
    timer.start(1000)
    count()
    return dialog
