"""Offer on the page Compare the next step of a run that ended without a verdict."""

from PySide6.QtCore import QCoreApplication, Signal

from widgets.pages.compare.value import UndecidedValue
from widgets.parts.buttons import PrimaryButton
from widgets.theme import Theme


def _tr(text: str) -> str:
    return QCoreApplication.translate("DecideButton", text)


class DecideButton(PrimaryButton):
    """A button that measures again (`again_requested`) or proves one version alone (`alone_requested(id)`)."""

    again_requested = Signal()
    alone_requested = Signal(str)

    def __init__(self, theme: Theme, value: UndecidedValue) -> None:
        """Create the button for the action of `value`."""
        if value.action != "prove":
            super().__init__(theme, _tr("Measure again"), "arrow-clockwise")
            self.clicked.connect(self.again_requested)
            return
        text = _tr("Prove it ({0})").format(value.takes) if value.takes else _tr("Prove it")
        super().__init__(theme, text, "shield-check")
        self.setToolTip(_tr("Asks this version all test examples, and judges its answers"))
        self.clicked.connect(lambda: self.alone_requested.emit(value.version_id))
