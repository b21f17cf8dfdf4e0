"""Show on the page Data what the checks found, with buttons to leave out problematic examples."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from widgets.parts.buttons import GhostButton, TextButton
from widgets.parts.card import divider
from widgets.parts.layout import LEFT, STRETCH, in_column, in_row
from widgets.parts.small import CheckList, CheckValue
from widgets.parts.text import words
from widgets.theme import Theme
from widgets.tokens import SPACE_S
from workers.contracts.translation import _


class FoundList(QWidget):
    """The findings in rows that update in place; files stay unchanged, so that all edits can be undone."""

    leave_out_requested = Signal()
    put_back_requested = Signal()
    suspects_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        """Create an empty list."""
        super().__init__()
        self._line = divider()
        self._rows = CheckList(theme)
        self._leave = GhostButton(theme, "", on=self.leave_out_requested)
        self._back = TextButton(theme, "", on=self.put_back_requested)
        self._look = GhostButton(theme, "", on=self.suspects_requested)
        self._hint = words(_("Your files stay where they are; this can be undone."), "caption")
        buttons = in_row(self._leave, self._back, STRETCH, edges=(0, SPACE_S, 0, 0))
        in_column(self._line, self._rows, (self._look, LEFT), buttons, self._hint, gap=0, parent=self)
        self.show_values((), 0, 0)

    def show_values(self, rows: Sequence[CheckValue], leave_out: int, left_out: int, suspects: int = 0) -> None:
        """Show the findings.

        Args:
            rows: the findings.
            leave_out: number of examples that can be left out.
            left_out: number of examples that are left out.
            suspects: number of examples whose label looks wrong.
        """
        self._rows.show_values(rows)
        self._line.setVisible(bool(rows))
        one, many = _("Look at it…"), _("Show the {0:,}…").format(suspects)
        self._look.relabel(one if suspects == 1 else many)
        self._look.setVisible(suspects > 0)
        one, many = _("Leave this one out"), _("Leave these {0:,} out").format(leave_out)
        self._leave.relabel(one if leave_out == 1 else many)
        self._leave.setVisible(leave_out > 0)
        one, many = _("Restore the one"), _("Restore the {0:,}").format(left_out)
        self._back.relabel(one if left_out == 1 else many)
        self._back.setVisible(left_out > 0)
        self._hint.setVisible(leave_out > 0 or left_out > 0)
