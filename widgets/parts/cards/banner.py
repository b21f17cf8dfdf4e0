"""Show a warning in a line over the page's width."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QWidget

from widgets.icons import IconLabel
from widgets.parts.layout import MIDDLE, TOP, Edges, in_row
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S


class Banner(QFrame):
    """A warning with an icon, a text and buttons."""

    def __init__(
        self,
        theme: Theme,
        name: str,
        text: QWidget,
        *buttons: QWidget | None,
        side: Qt.AlignmentFlag = TOP,
        edges: Edges = (SPACE_L, SPACE_S, SPACE_M, SPACE_S),
    ) -> None:
        """Create the line; `name` is its accessible name, `side` the place of its icon."""
        super().__init__()
        self.setAccessibleName(name)
        self.setProperty("kind", "banner")
        self.setProperty("tone", "warn")
        actions = ((button, MIDDLE) for button in buttons)
        in_row((IconLabel(theme, "warning", "warn"), side), (text, 1), *actions, gap=SPACE_M, edges=edges, parent=self)
