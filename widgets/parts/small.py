"""Define small parts: tags, chips, bars, figures, page heads, rows of checks, pairs of name and value."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt, SignalInstance
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QProgressBar, QSizePolicy, QWidget

from widgets.icons import IconLabel
from widgets.parts.buttons import GhostButton
from widgets.parts.card import Card, divider
from widgets.parts.format import clipped, percent, tabular, visible
from widgets.parts.layout import STRETCH, TOP, bare_grid, clear, fill, in_column, in_flow, in_row
from widgets.parts.text import ElidedLabel, Role, Tone, label, show_text, words
from widgets.theme import Theme, restyle
from widgets.tokens import CONTROL_HEIGHT, SPACE_L, SPACE_M, SPACE_S, SPACE_XS
from workers.contracts.translation import _, mark

TagKind = Literal["ok", "warn", "bad", "none"]
CheckState = Literal["ok", "warn", "bad", "running", "waiting"]

TAG_ICONS: dict[TagKind, str] = {"ok": "check-circle", "warn": "warning", "bad": "x-circle", "none": "circle-dashed"}
TAG_TONES: dict[TagKind, Tone] = {"ok": "ok", "warn": "warn", "bad": "bad", "none": "soft"}
_CHECK_ICONS: dict[CheckState, tuple[str, Tone]] = {
    "ok": ("check-circle", "ok"),
    "warn": ("warning", "warn"),
    "bad": ("x-circle", "bad"),
    "running": ("spinner-gap", "brand"),
    "waiting": ("circle-dashed", "soft"),
}
_CHECK_WORDS: dict[CheckState, str] = {
    "ok": mark("passed"),
    "warn": mark("needs attention"),
    "bad": mark("failed"),
    "running": mark("running"),
    "waiting": mark("waiting"),
}

MAX_TAG_CHARS, MAX_NAME_PX = 32, 220


class Tag(QFrame):
    """A short verdict: an icon and a text on a soft ground."""

    def __init__(self, theme: Theme, kind: TagKind, text: str, icon: str = "") -> None:
        """Create a tag; `icon` "" shows the icon of its kind."""
        super().__init__()
        self.setProperty("kind", "tag")
        self.setProperty("tone", TAG_TONES[kind])
        self.setFixedHeight(22)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(visible(text))
        in_row(
            IconLabel(theme, icon or TAG_ICONS[kind], TAG_TONES[kind], 14),
            words(clipped(text, MAX_TAG_CHARS), "", TAG_TONES[kind], wrap=False),
            gap=SPACE_XS,
            edges=(6, 0, SPACE_S, 0),
            parent=self,
        )


class Chip(QFrame):
    """A name with a softer figure."""

    def __init__(self, name: str, figure: str = "") -> None:
        """Create a chip."""
        super().__init__()
        self.setProperty("kind", "chip")
        self.setFixedHeight(26)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"{name} {figure}".strip())
        shown = ElidedLabel(name, "strong" if not figure else "")
        shown.setMaximumWidth(MAX_NAME_PX)
        row = in_row(shown, gap=6, edges=(10, 0, 10, 0), parent=self)
        if figure:
            row.addWidget(label(figure, "caption", wrap=False))


class Bar(QProgressBar):
    """A thin progress bar; without a share it shows that the end is unknown."""

    def __init__(self, name: str, tone: Tone | Literal["page"] = "", *, big: bool = False) -> None:
        """Create an empty bar; `name` is its accessible name, and the tone "page" is for one without a card."""
        super().__init__()
        self.setTextVisible(False)
        self.setAccessibleName(visible(name))
        self.setRange(0, 1000)
        self.share: float | None = 0.0
        if tone:
            self.setProperty("tone", tone)
        if big:
            self.setProperty("scale", "big")
        self.setFixedHeight(8 if big else 4)

    def set_share(self, share: float | None) -> None:
        """Set the progress, 0..1, or None if the end is unknown."""
        self.share = share
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        """Show whether the end is unknown as the window wants it."""
        self._show()
        super().showEvent(event)

    def _show(self) -> None:
        """Set the value; an unknown end moves, or leaves the bar empty in a window without animations."""
        share = self.share
        is_moving = share is None and not self.window().property("calm")
        self.setRange(0, 0 if is_moving else 1000)
        if share is None:
            self.setValue(0)
        else:
            self.setValue(round(1000 * min(1.0, max(0.0, share))))
            self.setFormat(percent(min(1.0, max(0.0, share)), 0))  # read aloud; Qt would truncate


class Figure(Card):
    """One of the three figures: a large value, its unit and a line below."""

    def __init__(self, value: str, unit: str, text: str, tone: Tone = "") -> None:
        """Create a figure with its texts."""
        super().__init__(edge=SPACE_M, gap=0)
        self.box.setContentsMargins(SPACE_L, SPACE_M, SPACE_L, SPACE_M)
        self.setAccessibleName(f"{value} {unit}")
        self.setAccessibleDescription(visible(text))
        number = label(value, "figure", tone, wrap=False)
        number.setFont(tabular(number.font()))
        unit_label = words(unit, "section", wrap=False)
        unit_label.setContentsMargins(0, 9, 0, 0)  # layouts do not align baselines
        self.add(in_flow(number, unit_label, down=0), words(text, "soft"), STRETCH)


def figure_row(figures: Sequence[tuple[str, str, str]]) -> QHBoxLayout:
    """Return figures side by side; each is a value, its unit and the line below."""
    return in_row(*((Figure(*texts), 1) for texts in figures), gap=SPACE_L)


def button_row(theme: Theme, title: str, pages: Iterable[tuple[str, str, str]], wanted: SignalInstance) -> QWidget:
    """Return a title with a button for each page (id, text, icon), which emits `wanted(id)`."""
    head = label(title, "section", wrap=False)
    head.setMinimumHeight(CONTROL_HEIGHT)  # aligns its text with the buttons
    buttons = []
    for page_id, text, icon in pages:
        buttons.append(GhostButton(theme, text, icon))
        buttons[-1].clicked.connect(lambda _on=False, page_id=page_id: wanted.emit(page_id))
    row = in_flow(head, *buttons)
    row.setAccessibleName(visible(title))
    return row


MOST_TITLE_LINES = 2
"""Most lines of a headline next to the buttons; a longer one moves above them, so that the head stays low."""


class PageHead(QWidget):
    """The headline, the sentence below it, and the page's actions at the right with the primary one last."""

    def __init__(self, title: str, subtitle: str = "", *actions: QWidget | None) -> None:
        """Create a head; None is no action."""
        super().__init__()
        box = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(SPACE_S)
        self.title = label(title, "headline")
        self.title.setAccessibleName(visible(title))
        self.subtitle = words(subtitle, "soft")
        box.addLayout(in_column(self.title, self.subtitle, STRETCH, gap=0), 1)
        self._actions = in_row()
        box.addLayout(self._actions)
        box.setAlignment(self._actions, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        self.subtitle.setVisible(bool(subtitle))  # after it has a parent: otherwise it would be its own window
        self._box = box
        self.setMinimumHeight(46)
        self.add_action(*actions)

    def add_action(self, *buttons: QWidget | None) -> None:
        """Append buttons at the right; None is left out."""
        fill(self._actions, *((button, TOP) for button in buttons))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Move the buttons below the headline if they leave too little room next to it."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        actions_px = self._actions.sizeHint().width()
        beside_px = self.width() - actions_px - SPACE_S
        line_px = self.title.fontMetrics().lineSpacing()
        is_tall = beside_px <= 0 or self.title.heightForWidth(beside_px) > (MOST_TITLE_LINES + 0.5) * line_px
        sideways, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        wanted = down if actions_px and is_tall else sideways
        if self._box.direction() != wanted:
            self._box.setDirection(wanted)

    def set_texts(self, title: str, subtitle: str) -> None:
        """Set another headline."""
        self.title.setText(visible(title))
        self.title.setAccessibleName(visible(title))
        show_text(self.subtitle, subtitle)
        self._arrange()


@dataclass(frozen=True)
class CheckValue:
    """One row of a list of checks: the check, and its result at the right."""

    state: CheckState
    what: str
    result: str = ""


CHECK_GAP_PX = 10
LEAST_WHAT_PX = 172
"""Least width in pixels of a check's text, so that a long result never narrows it to a column of letters."""


class CheckRow(QWidget):
    """A check with an icon for its state; the result is at the right, or below if the row is too narrow."""

    def __init__(self, theme: Theme, value: CheckValue, height: int = 34) -> None:
        """Create the row of `value`; `height` is its least height in pixels."""
        super().__init__()
        self.setMinimumHeight(height)
        self._icon = IconLabel(theme, "", "soft")
        self._what = words(value.what)
        self._result = words(value.result, "soft")
        self._texts = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._texts.addWidget(self._what, 1)
        self._texts.addWidget(self._result)
        in_row((self._icon, TOP), (self._texts, 1), gap=CHECK_GAP_PX, edges=(0, 6, 0, 6), parent=self)
        self.show_value(value)

    def show_value(self, value: CheckValue) -> None:
        """Show another state of the same check."""
        self._value = value
        icon, tone = _CHECK_ICONS[value.state]
        self._icon.set_icon(icon, tone)
        self._what.setText(value.what)
        restyle(self._what, tone="soft" if value.state == "waiting" else "")
        show_text(self._result, value.result)
        restyle(self._result, tone=tone if value.state in ("warn", "bad") else "soft", role="")
        self.setAccessibleName(f"{value.what.rstrip('.')}: {value.result}" if value.result else value.what)
        self.setAccessibleDescription(_(_CHECK_WORDS[value.state]))
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Move the result below the text if it leaves too little room next to it."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        advance = self._what.fontMetrics().horizontalAdvance
        what_px, result_px = advance(self._value.what) + 4, advance(self._value.result) + 4
        room_px = self.width() - self._icon.sizeHint().width() - CHECK_GAP_PX
        is_below = min(LEAST_WHAT_PX, what_px) + CHECK_GAP_PX + result_px > room_px
        self._texts.setDirection(QBoxLayout.Direction.TopToBottom if is_below else QBoxLayout.Direction.LeftToRight)
        self._texts.setSpacing(0 if is_below else CHECK_GAP_PX)
        self._result.setMinimumWidth(0 if is_below else result_px)
        side = Qt.AlignmentFlag.AlignLeft if is_below else Qt.AlignmentFlag.AlignRight
        self._result.setAlignment(side | Qt.AlignmentFlag.AlignVCenter)


class CheckList(QWidget):
    """Rows of checks with dividers; rows are updated in place while their number stays the same."""

    def __init__(self, theme: Theme, values: Sequence[CheckValue] = (), height: int = 34) -> None:
        """Create a list of `values`; `height` is the least height of a row in pixels."""
        super().__init__()
        self._theme = theme
        self._height = height
        self._rows: list[CheckRow] = []
        self._box = in_column(gap=0, parent=self)
        self.show_values(values)

    def show_values(self, values: Sequence[CheckValue]) -> None:
        """Show these checks."""
        if len(values) == len(self._rows):
            for row, value in zip(self._rows, values, strict=True):
                row.show_value(value)
            return
        clear(self._box)
        self._rows = [CheckRow(self._theme, value, self._height) for value in values]
        for number, row in enumerate(self._rows):
            if number:
                self._box.addWidget(divider())
            self._box.addWidget(row)


Pair = tuple[str, str] | tuple[str, str, Tone]


class KeyValue(QWidget):
    """Names at the left and values at the right, wrapped where needed."""

    def __init__(self, pairs: Sequence[Pair], name_width: int = 88, role: Role = "") -> None:
        """Create the rows of `pairs`, the third part of which is a tone; `name_width` is in pixels."""
        super().__init__()
        grid = bare_grid(SPACE_M, stretches=(0, 1), parent=self)
        grid.setColumnMinimumWidth(0, name_width)
        self._rows: dict[str, tuple[QWidget, QWidget]] = {}
        for number, pair in enumerate(pairs):
            name, value, tone = pair if len(pair) == 3 else (*pair, "")
            top = Qt.AlignmentFlag.AlignTop
            report = words(name, "soft")
            report.setMaximumWidth(MAX_NAME_PX)
            grid.addWidget(report, number, 0, top)
            shown = words(value, role, tone)
            shown.setAccessibleName(f"{name}: {value}")
            grid.addWidget(shown, number, 1, top)
            self._rows[name] = (report, shown)

    def show_only(self, names: Collection[str]) -> None:
        """Hide the rows of all other names."""
        for name, row in self._rows.items():
            for widget in row:
                widget.setVisible(name in names)
