"""Part of the page Compare: the way on where a run ended without a verdict."""

from PySide6.QtCore import Signal

from widgets.pages.compare.value import UndecidedValue
from widgets.parts.buttons import PrimaryButton
from widgets.theme import Theme


class DecideButton(PrimaryButton):
    """Measures again (`again_requested`), or tests one version by itself (`alone_requested(id)`)."""

    again_requested = Signal()
    alone_requested = Signal(str)

    def __init__(self, theme: Theme, value: UndecidedValue) -> None:
        is_proof = value.action == "prove"
        super().__init__(theme, "", "shield-check" if is_proof else "arrow-clockwise")
        if not is_proof:
            self.setText(self.tr("Measure again"))
            self.clicked.connect(self.again_requested)
            return
        self.setText(self.tr("Prove it ({0})").format(value.takes) if value.takes else self.tr("Prove it"))
        self.setToolTip(self.tr("Asks this version all test examples, and judges its answers"))
        self.clicked.connect(lambda: self.alone_requested.emit(value.version_id))
