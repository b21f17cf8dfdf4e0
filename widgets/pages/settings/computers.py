"""Show in Settings the other computers with what they are, and add, check and remove them."""

from dataclasses import dataclass

from PySide6.QtCore import SignalInstance
from PySide6.QtWidgets import QWidget

from widgets.parts.buttons import GhostButton
from widgets.parts.card import Card, divider
from widgets.parts.format import clipped
from widgets.parts.layout import held, in_column, in_flow
from widgets.parts.small import Bar
from widgets.parts.text import ElidedLabel, show_text, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_S, SPACE_XS
from workers.contracts.translation import _

MAX_NAME = 64


@dataclass(frozen=True)
class ComputerRow:
    """One computer; `facts` are lines, `hint` is what to know about it, `is_old` that its workers need an update."""

    name: str
    address: str
    facts: tuple[str, ...] = ()
    hint: str = ""
    is_old: bool = False


@dataclass(frozen=True)
class ComputersValue:
    """The section's value; while something happens `at_work` says what, with its `share` or None."""

    rows: tuple[ComputerRow, ...] = ()
    at_work: str = ""
    share: float | None = None
    message: str = ""
    problem: str = ""


class ComputersCard(Card):
    """The card of the section; the list is made anew only if it changes, so that the focus stays during an addition."""

    def __init__(self, theme: Theme, requested: SignalInstance) -> None:
        """Create an empty card.

        Its buttons emit `requested` with add, stop, check, update or remove, and the name of the computer.
        """
        super().__init__(_("Other computers"), gap=SPACE_M)
        self._theme, self._requested = theme, requested
        self._rows: tuple[ComputerRow, ...] | None = None
        self._list = QWidget()
        about = _("Measure on the computer where the model will run. It needs Linux and an SSH service.")
        self._now, self._problem = words("", "soft"), words("", "", "warn")
        self._bar = Bar(_("Progress with the other computer"))
        self._add = GhostButton(theme, _("Add a computer…"), "plus", on=lambda: requested.emit("add", ""))
        self._stop = GhostButton(
            theme, _("Stop"), "stop", name=_("Stop the work with the other computer"),
            on=lambda: requested.emit("stop", ""),
        )  # fmt: skip
        buttons = in_flow(self._add, self._stop)
        self.add(words(about, "soft"), self._list, self._now, self._bar, self._problem, buttons)

    def show_value(self, value: ComputersValue) -> None:
        """Show other computers or another progress."""
        if value.rows != self._rows:
            self._rows = value.rows
            rows = [part for row in value.rows for part in (divider(), self._row(row))]
            self._list = self.swap(self._list, held(in_column(*rows, gap=SPACE_S)))
        self._list.setVisible(bool(value.rows))
        show_text(self._now, value.at_work or value.message)
        show_text(self._problem, value.problem)
        self._bar.setVisible(bool(value.at_work))
        self._bar.set_share(value.share)
        self._stop.setVisible(bool(value.at_work))
        self._add.setEnabled(not value.at_work)

    def _row(self, row: ComputerRow) -> QWidget:
        name = clipped(row.name, MAX_NAME)
        buttons = [
            GhostButton(
                self._theme, text, icon, "small", name=full.format(name),
                on=lambda _checked=False, action=action: self._requested.emit(action, row.name),
            )
            for action, text, full, icon in (
                *((("update", _("Update…"), _("Update {0}…"), "download-simple"),) if row.is_old else ()),
                ("check", _("Check"), _("Check {0}"), "arrows-clockwise"),
                ("remove", _("Remove…"), _("Remove {0}…"), "trash"),
            )
        ]  # fmt: skip
        lines = [words(line, "soft") for line in row.facts]
        head = ElidedLabel(name, "strong"), ElidedLabel(row.address, "caption")
        hint = words(row.hint, "", "warn") if row.hint else None
        return held(in_column(*head, *lines, hint, SPACE_XS, in_flow(*buttons), gap=2))
