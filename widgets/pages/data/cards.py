"""Define small cards of the page Data: the columns of a table, the findings of the checks, and the origin."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from widgets.parts.buttons import GhostButton, Slot, TextButton
from widgets.parts.card import Card, divider
from widgets.parts.fields import ChoiceField, buddy, named
from widgets.parts.layout import LEFT, STRETCH, in_column, in_row
from widgets.parts.small import CheckList, CheckValue
from widgets.parts.text import words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_S
from workers.contracts.data.record import DataRecord
from workers.contracts.translation import _

SHOWN_CHARACTERS = 60


class ColumnsCard(Card):
    """A card with the columns of a table; `changed(text, label)` carries the chosen names, "" for none.

    With `are_texts` a label is the right text (the reference), as for a translation.
    """

    changed = Signal(str, str)

    def __init__(self, names: Sequence[str], text: str = "", label: str = "", *, are_texts: bool = False) -> None:
        """Create the card of a table; without a column of texts it has a field for the label alone."""
        super().__init__(_("Columns"))
        columns = [(name[:SHOWN_CHARACTERS], name) for name in names]
        nothing = _("none") if are_texts else _("no labels")
        self._text = self._field(_("Text"), columns, text) if text else None
        title = _("Right text") if are_texts else _("Label")
        self._labels = self._field(title, [(nothing, ""), *columns], label)

    def _field(self, title: str, options: list[tuple[str, str]], chosen: str) -> ChoiceField:
        box = ChoiceField(_("Column: {0}").format(title), options, chosen, elastic=True)
        box.currentIndexChanged.connect(self._emit_change)
        self.add(named(title, box))
        return box

    def _emit_change(self, _index: int) -> None:
        text = "" if self._text is None else str(self._text.currentData())
        self.changed.emit(text, str(self._labels.currentData()))


class FoundList(QWidget):
    """The findings in rows that update in place; files stay unchanged, so that all edits can be undone."""

    def __init__(self, theme: Theme, on_leave_out: Slot, on_put_back: Slot, on_suspects: Slot) -> None:
        """Create an empty list."""
        super().__init__()
        self._line = divider()
        self._rows = CheckList(theme)
        self._leave = GhostButton(theme, "", on=on_leave_out)
        self._back = TextButton(theme, "", on=on_put_back)
        self._look = GhostButton(theme, "", on=on_suspects)
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
        for button, one, many, number in (
            (self._look, _("Look at it…"), _("Show the {0:,}…"), suspects),
            (self._leave, _("Leave this one out"), _("Leave these {0:,} out"), leave_out),
            (self._back, _("Restore the one"), _("Restore the {0:,}"), left_out),
        ):
            button.relabel(one if number == 1 else many.format(number))
            button.setVisible(number > 0)
        self._hint.setVisible(leave_out > 0 or left_out > 0)


BOX_PX = 200


class OriginCard(Card):
    """The card with the three questions; it emits `answered(DataRecord)` after each answer."""

    answered = Signal(object)

    def __init__(self, theme: Theme, value: DataRecord) -> None:
        """Create the card with the current answers."""
        super().__init__(_("Where they come from"), gap=SPACE_S)
        self._boxes: dict[str, ChoiceField] = {}
        unknown = ("unknown", _("I do not know"))
        makers = (
            ("me", _("I or my team")),
            ("others_open", _("Others, who published them")),
            ("others_bought", _("Others, from whom I have them")),
            ("made", _("A program generated them")),
        )
        rights = (("yes", _("Yes")), ("conditions", _("Yes, under conditions")), ("no", _("No, or not commercially")))
        people = (("no", _("No")), ("agreed", _("Yes, and they agreed")), ("yes", _("Yes")))
        self._ask("made_by", _("Who made them?"), (*makers, unknown), value.made_by)
        self._ask("may_use", _("Are you allowed to use this data?"), (*rights, unknown), value.may_use)
        self._ask("people", _("Do they show people or private things?"), (*people, unknown), value.people)
        self.add(words(_("Kept in this project and written into the model card."), "caption"))

    def _ask(self, name: str, question: str, answers: tuple[tuple[str, str], ...], current: str | None) -> None:
        options = [(_("not answered"), None), *((text, answer) for answer, text in answers)]
        box = self._boxes[name] = ChoiceField(question, options, current, elastic=True)
        box.setObjectName(f"origin-{name}")
        box.currentIndexChanged.connect(self._on_changed)
        box.setMinimumWidth(BOX_PX)
        self.add(in_row((buddy(words(question, "soft"), box), 1), box, gap=SPACE_M))

    def _on_changed(self, _index: int) -> None:
        self.answered.emit(DataRecord.model_validate({name: box.currentData() for name, box in self._boxes.items()}))
