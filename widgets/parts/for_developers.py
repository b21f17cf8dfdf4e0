"""Show command lines in a closed fold, for people who work in a terminal."""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from widgets.parts.buttons import FoldButton, GhostButton
from widgets.parts.text import label
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_S


def _tr(text: str) -> str:
    return QCoreApplication.translate("ForDevelopers", text)


class ForDevelopers(QWidget):
    """A fold, closed at first, with `commands` to copy and their printed lines below the heading `title`."""

    def __init__(self, theme: Theme, commands: Sequence[str], printed: Sequence[str] = (), title: str = "") -> None:
        """Create a closed fold."""
        super().__init__()
        self._commands = tuple(commands)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(SPACE_S)
        self.fold = FoldButton(theme, _tr("For developers"), "small", "ghost")
        self._lines = QFrame()
        self._lines.setProperty("kind", "inset")
        inner = QHBoxLayout(self._lines)
        inner.setContentsMargins(SPACE_M, 10, SPACE_M, 10)
        column = QVBoxLayout()
        column.setSpacing(2)
        if title:
            column.addWidget(label(title, "strong"))
        for line in self._commands:
            column.addWidget(label(line, "mono", select=True))
        for line in printed:
            column.addWidget(label(line, "mono", "soft"))
        copy = GhostButton(theme, _tr("Copy"), "copy", "small")
        copy.setAccessibleName(_tr("Copy the command"))
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText("\n".join(self._commands)))
        inner.addLayout(column, 1)
        inner.addWidget(copy, 0, Qt.AlignmentFlag.AlignTop)
        self._lines.hide()
        self.fold.toggled.connect(self._lines.setVisible)
        box.addWidget(self.fold, 0, Qt.AlignmentFlag.AlignLeft)
        box.addWidget(self._lines)
