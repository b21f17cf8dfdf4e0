"""Ask a question with two or more answers; `answered(id)` is emitted once, with "" after closing or Escape."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QScrollArea, QVBoxLayout, QWidget

from widgets.icons import IconLabel
from widgets.parts.buttons import Button, GhostButton, PrimaryButton, TextButton
from widgets.parts.format import visible
from widgets.parts.layout import STRETCH, TOP, Item, held, in_column, in_row
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S, SPACE_XL
from workers.contracts.translation import _

WIDTH_PX = 520
LEAVES = ("cancel", "no", "stay")
"""Ids of answers that change nothing."""


@dataclass(frozen=True)
class Answer:
    """One answer; `about` is a short explanation below its button."""

    id: str
    text: str
    about: str = ""
    primary: bool = False


@dataclass(frozen=True)
class QuestionValue:
    """A question; `points` are short sentences, one per line."""

    title: str
    text: str
    answers: tuple[Answer, ...]
    points: tuple[str, ...] = ()
    icon: str = "question"
    tone: Literal["brand", "warn", "bad"] = "brand"


class QuestionDialog(QDialog):
    """A dialog with a question; `open()` blocks the window behind it, but not the event loop."""

    answered = Signal(str)

    def __init__(self, theme: Theme, value: QuestionValue, parent: QWidget | None = None) -> None:
        """Create the dialog of `value`."""
        super().__init__(parent)
        self._theme = theme
        self.setWindowTitle(visible(value.title))
        self.setAccessibleName(visible(value.title))
        self.setModal(True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._answer = ""
        head = in_row(
            (IconLabel(theme, value.icon, value.tone, 24), TOP), (label(value.title, "section"), 1), gap=SPACE_M
        )
        box = in_column(
            head, words(value.text), gap=SPACE_M, edges=(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL), parent=self
        )
        for point in value.points:
            box.addLayout(in_row((IconLabel(theme, "caret-right", "soft", 16), TOP), (words(point), 1)))
        self.body = in_column()
        box.addLayout(self.body)
        box.addSpacing(SPACE_S)
        self._add_answers(box, value.answers)
        self.finished.connect(self._on_finished)

    def showEvent(self, event: QShowEvent) -> None:
        """Set the height that the wrapped text needs, because a window does not request it from its layout."""
        layout = self.layout()
        if layout is not None:
            width = max(WIDTH_PX, layout.minimumSize().width())
            height = layout.heightForWidth(width) if layout.hasHeightForWidth() else self.sizeHint().height()
            self.setMinimumSize(width, height)
            self.resize(width, height)
        super().showEvent(event)

    def add_scrolled(self, name: str, rows: Iterable[Item], height: int) -> QScrollArea:
        """Add rows that scroll in an area of at least `height` pixels; `name` is its accessible name."""
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(held(in_column(*rows, STRETCH, edges=(0, 0, SPACE_S, 0))))
        area.setAccessibleName(name)
        area.setMinimumHeight(height)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.body.addWidget(area)
        return area

    def _add_answers(self, box: QVBoxLayout, answers: Sequence[Answer]) -> None:
        if any(answer.about for answer in answers):
            for answer in answers:
                box.addWidget(self._button(answer, wide=True))
                if answer.about:
                    about = words(answer.about, "caption")
                    about.setContentsMargins(2, 0, 0, SPACE_S)
                    box.addWidget(about)
            if not any(answer.id in LEAVES for answer in answers):
                cancel = TextButton(self._theme, _("Cancel"), "x", on=self.reject)
                box.addWidget(cancel, 0, Qt.AlignmentFlag.AlignRight)
            return
        box.addLayout(in_row(STRETCH, *(self._button(answer, wide=False) for answer in answers)))
        box.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_L)

    def _button(self, answer: Answer, *, wide: bool) -> Button:
        made = PrimaryButton if answer.primary else GhostButton
        button: Button = made(self._theme, answer.text)
        button.setDefault(answer.primary)
        button.setObjectName(f"answer-{answer.id}")
        if wide:
            policy = button.sizePolicy()
            policy.setHorizontalPolicy(policy.Policy.Expanding)
            button.setSizePolicy(policy)
        button.clicked.connect(lambda: self._choose(answer.id))
        return button

    def _choose(self, answer: str) -> None:
        self._answer = answer
        self.accept()

    def _on_finished(self, _result: int) -> None:
        self.answered.emit(self._answer)
