"""Show an error: what happened, whether work is safe, and what to do next."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from widgets.commands import REPORT_PROBLEM, commands_of
from widgets.icons import IconLabel
from widgets.parts.buttons import Button, CopyButton, FoldButton, TextButton
from widgets.parts.card import Banner, Card, divided, divider
from widgets.parts.format import visible
from widgets.parts.layout import MIDDLE, STRETCH, TOP, held, in_column, in_row
from widgets.parts.text import LogText, Tone, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S, SPACE_XL, SPACE_XS
from workers.contracts.translation import _

if TYPE_CHECKING:
    from workers.contracts.error_info import ErrorInfo

MAX_DETAIL_CHARS = 100_000


@dataclass(frozen=True)
class ErrorValue:
    """The content of an error card.

    `title` is the banner. The next three are one sentence each. `details` (a traceback) is folded. `page_title` and
    `page_subtitle` are the page's head ("This file was not opened", "old.pt, 98 MB"). `note` is a text for the author
    of the file; without it there is no button to copy it. `icon` is a Phosphor name. `is_unsafe` means that the file
    would have done harm. `error` can be saved as a problem report, without the private `names`; messages that are no
    errors have none.
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
    error: "ErrorInfo | None" = None
    names: tuple[str, ...] = ()


class ErrorCard(Card):
    """A card with an `ErrorValue`, owned by its page, which adds buttons for the next steps."""

    def __init__(self, theme: Theme, value: ErrorValue) -> None:
        """Create the card of `value`."""
        super().__init__(edge=1, gap=0)
        self._theme = theme
        self._n_actions = 0
        self._rest: ErrorValue | None = value
        self.setAccessibleName(visible(value.title))
        title, edges = label(value.title, "section"), (SPACE_XL - 1, SPACE_L, SPACE_XL, SPACE_L)
        self.add(Banner(theme, "", title, icon=value.icon, icon_px=24, tone=value.tone, side=MIDDLE, edges=edges))
        mark = "x-circle" if value.tone == "bad" else "warning"
        rows: tuple[tuple[str, Tone, str, str], ...] = (
            (mark, value.tone, _("What happened"), value.happened),
            ("shield-check", "ok", _("Is my work safe?"), value.is_safe),
            ("arrow-right", "brand", _("What to do now"), value.next_step),
        )
        self._actions = in_row(STRETCH, edges=(SPACE_XL + 34, SPACE_S, SPACE_XL, SPACE_XL))
        parts = divided(self._row(*row) for row in rows)
        self.add(in_column(*parts, gap=0, edges=(SPACE_XL, 0, SPACE_XL, 0)), self._actions)

    def showEvent(self, event: QShowEvent) -> None:
        """Add the parts behind the page's own buttons; their late creation also makes them later in the Tab order."""
        value, self._rest = self._rest, None
        if value is not None and value.note:
            note = CopyButton(self._theme, value.note, _("Copy a note to its maker"), size="")
            self._actions.insertWidget(self._n_actions, note)
        if value is not None and (value.details or value.error is not None):
            self._add_foot(value)
        super().showEvent(event)

    def add_action(self, *buttons: Button) -> None:
        """Append buttons below the three sentences."""
        for button in buttons:
            self._actions.insertWidget(self._n_actions, button)
            self._n_actions += 1

    def _row(self, icon: str, tone: Tone, title: str, text: str) -> QWidget:
        sentence = words(text)
        sentence.setMaximumWidth(680)
        column = in_column(label(title, "strong"), sentence, gap=0)
        mark = IconLabel(self._theme, icon, tone, 18)
        return held(in_row((mark, TOP), (column, 100), STRETCH, gap=SPACE_L, edges=(0, SPACE_L, 0, SPACE_L)))

    def _add_foot(self, value: ErrorValue) -> None:
        """Add the fold of the details and the button of the problem report."""
        fold = holder = report = None
        if value.details:
            text = LogText(_("Details for specialists"), value.details[:MAX_DETAIL_CHARS])
            text.setFixedHeight(180)
            holder = held(in_column(text, gap=None, edges=(SPACE_XL, 0, SPACE_XL, SPACE_L)))
            fold = FoldButton(self._theme, _("Details for specialists"), opens=holder)
        if value.error is not None and (commands := commands_of(self)) is not None:
            report = TextButton(self._theme, _("Save a problem report"), "lifebuoy")
            report.clicked.connect(lambda: commands.do(REPORT_PROBLEM, value.error, value.names))
        row = in_row(fold, STRETCH, report, gap=None, edges=(SPACE_M, SPACE_XS, SPACE_M, SPACE_XS))
        self.add(divider(), row, holder)
