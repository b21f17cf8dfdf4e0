"""Build rows, columns and flows of widgets in one expression each."""

from collections.abc import Sequence
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QHBoxLayout, QLayout, QVBoxLayout, QWidget

from widgets.parts.flow import FlowLayout
from widgets.tokens import SPACE_L, SPACE_S

TOP, BOTTOM, MIDDLE = Qt.AlignmentFlag.AlignTop, Qt.AlignmentFlag.AlignBottom, Qt.AlignmentFlag.AlignVCenter
LEFT, RIGHT, CENTER = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignHCenter
STRETCH = -1
"""An item that takes the spare room."""

Part = QWidget | QLayout
Item = (
    Part
    | int
    | None
    | tuple[Part | None, int]
    | tuple[Part | None, Qt.AlignmentFlag]
    | tuple[Part | None, int, Qt.AlignmentFlag]
)
"""A part, a part with its stretch or alignment, empty pixels, `STRETCH`, or None, which is left out."""
Edges = tuple[int, int, int, int]
"""Margins in pixels: left, top, right, bottom."""
NO_EDGES: Edges = (0, 0, 0, 0)
Box = TypeVar("Box", bound=QBoxLayout)


def fill(box: QBoxLayout, *items: Item) -> None:
    """Append items to a row or a column."""
    for item in items:
        if isinstance(item, int):
            if item == STRETCH:
                box.addStretch(1)
            else:
                box.addSpacing(item)
            continue
        part, *how = item if isinstance(item, tuple) else (item,)
        side = next((one for one in how if isinstance(one, Qt.AlignmentFlag)), Qt.AlignmentFlag(0))
        stretch = next((one for one in how if not isinstance(one, Qt.AlignmentFlag)), 0)
        if isinstance(part, QWidget):
            box.addWidget(part, stretch, side)
        elif part is not None:
            box.addLayout(part, stretch)


def in_row(
    *items: Item, gap: int | None = SPACE_S, edges: Edges = NO_EDGES, parent: QWidget | None = None
) -> QHBoxLayout:
    """Return items from left to right, `gap` pixels apart; None takes the gap of the layout around it."""
    return _filled(QHBoxLayout(parent) if parent else QHBoxLayout(), items, gap, edges)


def in_column(
    *items: Item, gap: int | None = SPACE_S, edges: Edges = NO_EDGES, parent: QWidget | None = None
) -> QVBoxLayout:
    """Return items from top to bottom, `gap` pixels apart; None takes the gap of the layout around it."""
    return _filled(QVBoxLayout(parent) if parent else QVBoxLayout(), items, gap, edges)


def _filled(box: Box, items: Sequence[Item], gap: int | None, edges: Edges) -> Box:
    box.setContentsMargins(*edges)
    if gap is not None:
        box.setSpacing(gap)
    fill(box, *items)
    return box


def in_flow(*widgets: QWidget | None, gap: int = SPACE_S, spread: bool = False, down: int | None = None) -> QWidget:
    """Return a widget with others in rows, as many in each as fit; None is left out."""
    holder = QWidget()
    flow = FlowLayout(holder, gap, spread=spread, down=down)
    for widget in widgets:
        if widget is not None:
            flow.addWidget(widget)
    return holder


def bare_grid(
    across: int = SPACE_L, down: int = SPACE_S, *, stretches: Sequence[int] = (), parent: QWidget | None = None
) -> QGridLayout:
    """Return an empty grid without margins; `across` and `down` are its gaps, `stretches` are of its columns."""
    grid = QGridLayout(parent) if parent else QGridLayout()
    grid.setContentsMargins(*NO_EDGES)
    grid.setHorizontalSpacing(across)
    grid.setVerticalSpacing(down)
    for column, stretch in enumerate(stretches):
        grid.setColumnStretch(column, stretch)
    return grid


def in_columns(widgets: Sequence[QWidget], columns: int) -> QWidget:
    """Return a widget with others in columns of equal width."""
    grid = bare_grid(SPACE_L, SPACE_L, stretches=(1,) * columns)
    for number, widget in enumerate(widgets):
        grid.addWidget(widget, number // columns, number % columns)
    return held(grid)


def held(layout: QLayout) -> QWidget:
    """Return a widget with this layout."""
    holder = QWidget()
    holder.setLayout(layout)
    return holder


def clear(layout: QLayout) -> None:
    """Remove and delete all widgets of a layout."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            discard(widget)


def discard(widget: QWidget | None) -> None:
    """Hide a widget and delete it later, because it may be in its own signal."""
    if widget is not None:
        widget.hide()
        widget.deleteLater()
