"""Create the window's own questions: closing during a job, preparation of inputs, and kind of a dropped folder."""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from widgets.parts.format import clipped
from widgets.parts.question import Answer, QuestionDialog, QuestionValue
from widgets.theme import Theme
from workers.contracts.translation import _


def ask(dialog: QuestionDialog, **acts: Callable[[], object]) -> None:
    """Show a question and run the action that is named like its answer; other answers change nothing."""
    dialog.answered.connect(lambda answer: acts[answer]() if answer in acts else None)
    dialog.open()


def close_question(theme: Theme, window: QWidget, job_title: str, job_count: int = 1) -> QuestionDialog:
    """Return the question about closing while a job runs; its answers are "stop", or "stay" or "" to continue."""
    what = (
        _("{0} is still running.").format(clipped(job_title, 80))
        if job_count == 1
        else _("{0} jobs are still running.").format(job_count)
    )
    value = QuestionValue(
        title=_("Stop the work and close?"),
        text=what + " " + _("All measurements so far are kept. Next time you can continue from there."),
        answers=(Answer("stay", _("Keep working"), primary=True), Answer("stop", _("Stop and close"))),
    )
    return QuestionDialog(theme, value, window)


def preparation_question(theme: Theme, window: QWidget, happened: str, better: str) -> QuestionDialog:
    """Return the question about the preparation of inputs; its answers are "better", "keep", or "" to stop."""
    value = QuestionValue(
        title=_("Are the inputs prepared correctly?"),
        text=happened,
        answers=(
            Answer("better", _("Use the one that fits, and start"), better, primary=True),
            Answer("keep", _("Keep the current one, and start"), _("Its answers are then what is compared.")),
        ),
        icon="warning",
        tone="warn",
    )
    return QuestionDialog(theme, value, window)


def kind_question(theme: Theme, window: QWidget, name: str) -> QuestionDialog:
    """Return the question about a folder that could be both; its answers are "model", "data", or "" for neither."""
    value = QuestionValue(
        title=_("Is this a model or your data?"),
        text=_("“{0}” could be either.").format(clipped(name, 120)),
        answers=(
            Answer("model", _("It is a model"), _("Fettle makes it faster.")),
            Answer("data", _("It is my data"), _("Fettle tests the model with it.")),
        ),
        icon="question",
    )
    return QuestionDialog(theme, value, window)
