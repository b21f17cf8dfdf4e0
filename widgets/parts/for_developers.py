"""Show command lines in a closed fold, for people who work in a terminal."""

from collections.abc import Sequence

from PySide6.QtWidgets import QFrame, QWidget

from widgets.parts.buttons import CopyButton, FoldButton
from widgets.parts.layout import LEFT, TOP, in_column, in_row
from widgets.parts.text import label
from widgets.theme import Theme
from widgets.tokens import SPACE_M
from workers.contracts.translation import _


class ForDevelopers(QWidget):
    """A fold, closed at first, with `commands` to copy and their printed lines below the heading `title`."""

    def __init__(self, theme: Theme, commands: Sequence[str], printed: Sequence[str] = (), title: str = "") -> None:
        """Create a closed fold."""
        super().__init__()
        self._commands = tuple(commands)
        self._lines = QFrame()
        self.fold = FoldButton(theme, _("For developers"), "small", "ghost", opens=self._lines)
        self._lines.setProperty("kind", "inset")
        column = in_column(
            label(title, "strong") if title else None,
            *(label(line, "mono", select=True) for line in self._commands),
            *(label(line, "mono", "soft") for line in printed),
            gap=2,
        )
        copy = CopyButton(theme, "\n".join(self._commands), name=_("Copy the command"))
        in_row((column, 1), (copy, TOP), gap=None, edges=(SPACE_M, 10, SPACE_M, 10), parent=self._lines)
        in_column((self.fold, LEFT), self._lines, parent=self)
