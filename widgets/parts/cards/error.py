"""Show an error: what happened, whether work is safe, and what to do next."""

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from widgets.icons import IconLabel
from widgets.parts.buttons import Button, FoldButton, GhostButton
from widgets.parts.card import Card, divider
from widgets.parts.text import Tone, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S, SPACE_XL, SPACE_XS

MAX_DETAIL_CHARS = 100_000


@dataclass(frozen=True)
class ErrorValue:
    """The content of an error card.

    `title` is the banner. The next three are one sentence each. `details` (a traceback) is folded. `page_title` and
    `page_subtitle` are the page's head ("This file was not opened", "old.pt, 98 MB"). `note` is a text for the author
    of the file; without it there is no button to copy it. `icon` is a Phosphor name. `is_unsafe` means that the file
    would have done harm.
    """

    title: str
    happened: str
    is_safe: str
    next_step: str
    details: str = ""
    page_title: str = ""
    page_subtitle: str = ""
    note: str = ""
    icon: str = "warning-circle"
    tone: Literal["bad", "warn"] = "bad"
    is_unsafe: bool = False


class ErrorCard(Card):
    """A card with an `ErrorValue`, owned by its page, which adds buttons for the next steps."""

    copied = Signal(str)

    def __init__(self, theme: Theme, value: ErrorValue) -> None:
        """Create the card of `value`."""
        super().__init__(edge=1, gap=0)
        self._theme = theme
        self._n_actions = 0
        self._rest: ErrorValue | None = value
        self.setAccessibleName(value.title)
        self.add(self._banner(value))
        mark = "x-circle" if value.tone == "bad" else "warning"
        rows: tuple[tuple[str, Tone, str, str], ...] = (
            (mark, value.tone, self.tr("What happened"), value.happened),
            ("shield-check", "ok", self.tr("Is my work safe?"), value.is_safe),
            ("arrow-right", "brand", self.tr("What to do now"), value.next_step),
        )
        body = QVBoxLayout()
        body.setContentsMargins(SPACE_XL, 0, SPACE_XL, 0)
        body.setSpacing(0)
        for number, row in enumerate(rows):
            if number:
                body.addWidget(divider())
            body.addWidget(self._row(*row))
        self.add(body)
        self._actions = QHBoxLayout()
        self._actions.setContentsMargins(SPACE_XL + 34, SPACE_S, SPACE_XL, SPACE_XL)
        self._actions.setSpacing(SPACE_S)
        self._actions.addStretch(1)
        self.add(self._actions)

    def showEvent(self, event: QShowEvent) -> None:
        """Add the parts behind the page's own buttons; their late creation also makes them later in the Tab order."""
        value, self._rest = self._rest, None
        if value is not None and value.note:
            note = GhostButton(self._theme, self.tr("Copy a note to its maker"), "copy")
            note.clicked.connect(lambda: self._copy(value.note))
            self._actions.insertWidget(self._n_actions, note)
        if value is not None and value.details:
            self._add_details(value.details[:MAX_DETAIL_CHARS])
        super().showEvent(event)

    def add_action(self, button: Button) -> None:
        """Append a button below the three sentences."""
        self._actions.insertWidget(self._n_actions, button)
        self._n_actions += 1

    def _banner(self, value: ErrorValue) -> QWidget:
        banner = QFrame()
        banner.setProperty("kind", "banner")
        banner.setProperty("tone", value.tone)
        row = QHBoxLayout(banner)
        row.setContentsMargins(SPACE_XL - 1, SPACE_L, SPACE_XL, SPACE_L)
        row.setSpacing(SPACE_M)
        row.addWidget(IconLabel(self._theme, value.icon, value.tone, 24))
        row.addWidget(label(value.title, "section"), 1)
        return banner

    def _row(self, icon: str, tone: Tone, title: str, text: str) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, SPACE_L, 0, SPACE_L)
        row.setSpacing(SPACE_L)
        row.addWidget(IconLabel(self._theme, icon, tone, 18), 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(label(title, "strong"))
        sentence = words(text)
        sentence.setMaximumWidth(680)
        column.addWidget(sentence)
        row.addLayout(column, 100)
        row.addStretch(1)
        return holder

    def _add_details(self, details: str) -> None:
        self.add(divider())
        fold = FoldButton(self._theme, self.tr("Details for specialists"))
        row = QHBoxLayout()
        row.setContentsMargins(SPACE_M, SPACE_XS, SPACE_M, SPACE_XS)
        row.addWidget(fold)
        row.addStretch(1)
        self.add(row)
        text = QPlainTextEdit(details)
        text.setProperty("role", "log")
        text.setReadOnly(True)
        text.setTabChangesFocus(True)
        text.setAcceptDrops(False)
        text.setAccessibleName(self.tr("Details for specialists"))
        text.setFixedHeight(180)
        holder = QWidget()
        inside = QVBoxLayout(holder)
        inside.setContentsMargins(SPACE_XL, 0, SPACE_XL, SPACE_L)
        inside.addWidget(text)
        holder.hide()
        fold.toggled.connect(holder.setVisible)
        self.add(holder)

    def _copy(self, note: str) -> None:
        QGuiApplication.clipboard().setText(note)
        self.copied.emit(note)
