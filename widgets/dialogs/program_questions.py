"""Create the question before another installed version is used."""

from PySide6.QtWidgets import QWidget

from widgets.parts.question import Answer, QuestionDialog, QuestionValue
from widgets.theme import Theme
from workers.contracts.translation import _


def switch_question(theme: Theme, window: QWidget, version: str, other: str, *, goes_back: bool) -> QuestionDialog:
    """Return the question whether to use `version` instead of `other`; its answers are "switch", or "keep" or ""."""
    value = QuestionValue(
        title=(_("Go back to version {0}?") if goes_back else _("Use version {0} again?")).format(version),
        text=_("It is tested first, and runs from the next start on. Version {0} stays, so you can return.").format(
            other
        ),
        points=(
            (_("Projects that the newer version has changed may not open in the older one. They are not lost."),)
            if goes_back
            else ()
        ),
        answers=(
            Answer("keep", _("Cancel")),
            Answer("switch", _("Use version {0}").format(version), primary=True),
        ),
        icon="arrow-counter-clockwise",
    )
    return QuestionDialog(theme, value, window)
