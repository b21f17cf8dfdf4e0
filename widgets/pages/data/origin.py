"""Ask on the page Data for the origin of the examples in three questions, for the model card."""

from PySide6.QtCore import Signal

from widgets.parts.card import Card
from widgets.parts.fields import ChoiceField, buddy
from widgets.parts.layout import in_row
from widgets.parts.text import words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_S
from workers.contracts.data.record import DataRecord
from workers.contracts.translation import _

BOX_PX = 200


class OriginCard(Card):
    """The card with the three questions; it emits `answered(DataRecord)` after each answer."""

    answered = Signal(object)

    def __init__(self, theme: Theme, value: DataRecord) -> None:
        """Create the card with the current answers."""
        super().__init__(_("Where they come from"), gap=SPACE_S)
        self._boxes: dict[str, ChoiceField] = {}
        self._ask("made_by", _("Who made them?"), self._makers(), value.made_by)
        self._ask("may_use", _("Are you allowed to use this data?"), self._rights(), value.may_use)
        self._ask("people", _("Do they show people or private things?"), self._people(), value.people)
        self.add(words(_("Kept in this project and written into the model card."), "caption"))

    def _makers(self) -> tuple[tuple[str, str], ...]:
        return (
            ("me", _("I or my team")),
            ("others_open", _("Others, who published them")),
            ("others_bought", _("Others, from whom I have them")),
            ("made", _("A program generated them")),
            ("unknown", _("I do not know")),
        )

    def _rights(self) -> tuple[tuple[str, str], ...]:
        return (
            ("yes", _("Yes")),
            ("conditions", _("Yes, under conditions")),
            ("no", _("No, or not commercially")),
            ("unknown", _("I do not know")),
        )

    def _people(self) -> tuple[tuple[str, str], ...]:
        return (
            ("no", _("No")),
            ("agreed", _("Yes, and they agreed")),
            ("yes", _("Yes")),
            ("unknown", _("I do not know")),
        )

    def _ask(self, name: str, question: str, answers: tuple[tuple[str, str], ...], current: str | None) -> None:
        options = [(_("not answered"), None), *((text, answer) for answer, text in answers)]
        box = self._boxes[name] = ChoiceField(question, options, current, elastic=True)
        box.setObjectName(f"origin-{name}")
        box.currentIndexChanged.connect(self._on_changed)
        box.setMinimumWidth(BOX_PX)
        self.add(in_row((buddy(words(question, "soft"), box), 1), box, gap=SPACE_M))

    def _on_changed(self, _index: int) -> None:
        self.answered.emit(DataRecord.model_validate({name: box.currentData() for name, box in self._boxes.items()}))
