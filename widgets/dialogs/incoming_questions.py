"""Create the questions about dropped files: which one to use, and what to do with existing examples."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Literal

from PySide6.QtWidgets import QWidget

from widgets.parts.format import clipped
from widgets.parts.question import Answer, QuestionDialog, QuestionValue
from widgets.theme import Theme
from workers.contracts.translation import _

NAME_CHARS, PLACE_CHARS = 60, 110


def which_question(
    theme: Theme, window: QWidget, kind: Literal["model", "data"], paths: Sequence[str]
) -> QuestionDialog:
    """Return the question about several dropped files of one kind.

    Its answer is the index in `paths` as text, or "" for none.
    """
    is_model = kind == "model"
    value = QuestionValue(
        title=_("Which model do you want to open?") if is_model else _("Which examples do you want to use?"),
        text=_("You dropped {0} at once, but only one can be opened at a time.").format(len(paths))
        if is_model
        else _("You dropped {0} at once. Put them into one folder to use them together.").format(len(paths)),
        answers=tuple(
            Answer(str(number), clipped(PurePath(path).name or path, NAME_CHARS), clipped(path, PLACE_CHARS))
            for number, path in enumerate(paths)
        ),
    )
    return QuestionDialog(theme, value, window)


def beside_question(theme: Theme, window: QWidget, name: str) -> QuestionDialog:
    """Return the question about a model dropped on a result; its answers are "beside", "new", or "" for neither."""
    value = QuestionValue(
        title=_("What do you want to do with this model?"),
        text=_("There is a result. You dropped “{0}”.").format(clipped(name, 80)),
        answers=(
            Answer(
                "beside",
                _("Compare this file with the original"),
                _("It becomes another version of the result, tested on the same examples and timed in turn."),
                primary=True,
            ),
            Answer("new", _("Open it as a new model"), _("The result stays, and you can go back to it.")),
            Answer("cancel", _("Cancel")),
        ),
    )
    return QuestionDialog(theme, value, window)


def consent_question(theme: Theme, window: QWidget, name: str, why: str) -> QuestionDialog:
    """Return the question before code in a model file runs in the sandbox; its answers are "allow", or "" for no."""
    value = QuestionValue(
        title=_("“{0}” is a program").format(clipped(name, NAME_CHARS)),
        text=why,
        answers=(Answer("cancel", _("Do not open it")), Answer("allow", _("I trust its origin, open it"))),
        icon="shield-warning",
        tone="warn",
    )
    return QuestionDialog(theme, value, window)


def new_data_question(theme: Theme, window: QWidget, new: str, old: str) -> QuestionDialog:
    """Return the question about examples dropped on a result; its answers are "replace", "add", or "" for neither."""
    value = QuestionValue(
        title=_("What are these examples for?"),
        text=_("There is a result on “{0}”. You dropped “{1}”.").format(clipped(old, 80), clipped(new, 80)),
        answers=(
            Answer("add", _("Add them to the result"), _("All versions are tested on them as well and judged again.")),
            Answer(
                "replace",
                _("Use these instead"),
                _("The next run uses them. The result stays, and you can go back to “{0}”.").format(clipped(old, 40)),
            ),
            Answer("cancel", _("Cancel")),
        ),
    )
    return QuestionDialog(theme, value, window)
