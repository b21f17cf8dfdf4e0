"""Choose on the page Data which columns of a table hold the texts and their labels."""

from PySide6.QtCore import QCoreApplication, Signal

from widgets.parts.card import Card
from widgets.parts.fields import ChoiceField, named
from workers.contracts.data.reading import DataResult
from workers.contracts.translation import _

SHOWN_CHARACTERS = 60


class ColumnsCard(Card):
    """A card with the columns; `changed(text, label)` carries the chosen names, "" for no label.

    With `are_texts` a label is the right text (the reference), as for a translation.
    """

    changed = Signal(str, str)

    def __init__(self, table: DataResult, *, are_texts: bool) -> None:
        """Create the card of a table of texts."""
        super().__init__(QCoreApplication.translate("ColumnsCard", "Columns"))
        columns = [(name[:SHOWN_CHARACTERS], name) for name in table.columns]
        nothing = _("none") if are_texts else _("no labels")
        titles = _("Text"), _("Right text") if are_texts else _("Label")
        self._text = self._field(titles[0], columns, table.text_column)
        self._labels = self._field(titles[1], [(nothing, ""), *columns], table.label_column)

    def _field(self, title: str, options: list[tuple[str, str]], chosen: str) -> ChoiceField:
        box = ChoiceField(_("Column: {0}").format(title), options, chosen, elastic=True)
        box.currentIndexChanged.connect(self._tell)
        self.add(named(title, box))
        return box

    def _tell(self, _index: int) -> None:
        self.changed.emit(str(self._text.currentData()), str(self._labels.currentData()))
