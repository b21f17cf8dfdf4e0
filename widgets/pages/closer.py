"""What a result can be looked at from more sides: one row of buttons on Compare, one page behind each."""

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QWidget

from widgets.parts.buttons import GhostButton
from widgets.parts.flow import FlowLayout
from widgets.parts.text import label
from widgets.theme import Theme
from widgets.tokens import CONTROL_HEIGHT, SPACE_S

LOOKS: tuple[tuple[str, str, str], ...] = (
    ("answers", "list", "All answers"),
    ("stress", "cloud-lightning", "Under stress"),
    ("load", "gauge", "Under load"),
    ("tried", "list", "What was tried"),
    ("layers", "stack", "Layers"),
)
"""(page id, icon, caption in English) of each; the page itself is in rail.BELOW and in the window's table of pages."""


class CloserRow(QWidget):
    """`page_wanted(page id)` where a person looks closer."""

    page_wanted = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("Look closer"))
        row = FlowLayout(self, SPACE_S)
        title = label(self.tr("Look closer"), "section", wrap=False)
        title.setMinimumHeight(CONTROL_HEIGHT)  # its words stand at the height of the buttons'
        row.addWidget(title)
        for page_id, icon, caption in LOOKS:
            button = GhostButton(theme, QCoreApplication.translate("closer", caption), icon)
            button.clicked.connect(lambda _on=False, page=page_id: self.page_wanted.emit(page))
            row.addWidget(button)
