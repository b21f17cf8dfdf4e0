"""Choose on the page Data which columns of a table hold the texts and their labels."""

from PySide6.QtCore import QCoreApplication, Signal

from widgets.pages.data.value import ColumnsValue
from widgets.parts.card import Card
from widgets.parts.fields import ChoiceField
from widgets.parts.layout import in_row
from widgets.parts.text import label

SHOWN_CHARACTERS = 60


class ColumnsCard(Card):
    """A card with the columns; `changed(text, label)` carries the chosen names, "" for no label."""

    changed = Signal(str, str)

    def __init__(self, value: ColumnsValue) -> None:
        """Create the card of a table."""
        super().__init__(QCoreApplication.translate("ColumnsCard", "Columns"))
        self._text, self._labels = ChoiceField(elastic=True), ChoiceField(elastic=True)
        self._labels.addItem(self.tr("none") if value.are_texts else self.tr("no labels"), "")
        for name in value.names:
            self._text.addItem(name[:SHOWN_CHARACTERS], name)
            self._labels.addItem(name[:SHOWN_CHARACTERS], name)
        for title, box, chosen in (
            (self.tr("Text"), self._text, value.text),
            (self.tr("Right text") if value.are_texts else self.tr("Label"), self._labels, value.label),
        ):
            box.setCurrentIndex(max(0, box.findData(chosen)))
            box.setAccessibleName(self.tr("Column: {0}").format(title))
            box.currentIndexChanged.connect(self._tell)
            self.add(in_row(label(title, "soft", wrap=False), (box, 1)))

    def _tell(self, _index: int) -> None:
        self.changed.emit(str(self._text.currentData()), str(self._labels.currentData()))
