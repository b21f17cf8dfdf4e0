"""Choose on the page Data which columns of a table hold the texts and their labels."""

from PySide6.QtCore import QCoreApplication, Signal

from widgets.pages.data.value import ColumnsValue
from widgets.parts.card import Card
from widgets.parts.fields import ChoiceField, named
from workers.contracts.translation import _

SHOWN_CHARACTERS = 60


class ColumnsCard(Card):
    """A card with the columns; `changed(text, label)` carries the chosen names, "" for no label."""

    changed = Signal(str, str)

    def __init__(self, value: ColumnsValue) -> None:
        """Create the card of a table."""
        super().__init__(QCoreApplication.translate("ColumnsCard", "Columns"))
        columns = [(name[:SHOWN_CHARACTERS], name) for name in value.names]
        nothing = _("none") if value.are_texts else _("no labels")
        titles = _("Text"), _("Right text") if value.are_texts else _("Label")
        self._text = self._field(titles[0], columns, value.text)
        self._labels = self._field(titles[1], [(nothing, ""), *columns], value.label)

    def _field(self, title: str, options: list[tuple[str, str]], chosen: str) -> ChoiceField:
        box = ChoiceField(_("Column: {0}").format(title), options, chosen, elastic=True)
        box.currentIndexChanged.connect(self._tell)
        self.add(named(title, box))
        return box

    def _tell(self, _index: int) -> None:
        self.changed.emit(str(self._text.currentData()), str(self._labels.currentData()))
