"""Show the card that chooses the computers on which versions are measured."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox

from widgets.pages.goal.value import ComputerValue
from widgets.parts.card import Card
from widgets.parts.format import visible
from widgets.parts.layout import MIDDLE, in_flow, in_row
from widgets.parts.text import plain_tip, words
from widgets.tokens import SPACE_L, SPACE_S, SPACE_XL
from workers.contracts.translation import _


class WhereCard(Card):
    """The card of the computers; `changed` carries the names of the chosen ones, of which there is always one."""

    changed = Signal(object)  # tuple of names; "" is this computer

    def __init__(self, computers: Sequence[ComputerValue], chosen: Sequence[str]) -> None:
        """Create the card with the chosen computers."""
        super().__init__(name=_("Where will the model run?"))
        self._boxes = {computer.name: self._box(computer) for computer in computers}
        title = words(_("Where will the model run?"), "section", wrap=False)
        flow = in_flow(*self._boxes.values(), gap=SPACE_L, down=SPACE_S)
        self.add(in_row((title, MIDDLE), (flow, 1, MIDDLE), gap=SPACE_XL))
        self.choose(chosen)

    def choose(self, names: Sequence[str]) -> None:
        """Choose these computers without a signal."""
        for name, box in self._boxes.items():
            with QSignalBlocker(box):
                box.setChecked(name in names)

    def _box(self, computer: ComputerValue) -> QCheckBox:
        box = QCheckBox(visible(computer.title).replace("&", "&&"))
        box.setAccessibleDescription(visible(computer.detail))
        box.setToolTip(plain_tip(computer.detail))
        box.toggled.connect(self._on_toggled)
        return box

    def _on_toggled(self) -> None:
        names = tuple(name for name, box in self._boxes.items() if box.isChecked())
        if not names:
            names = ("",)
            self.choose(names)
        self.changed.emit(names)
