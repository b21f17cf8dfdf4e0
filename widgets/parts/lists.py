"""Show many painted rows: a model of frozen values, and the settings that all lists share."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, Qt
from PySide6.QtWidgets import QAbstractItemView, QListView

from widgets.parts.format import visible
from widgets.parts.painting import Index
from widgets.parts.pictures import PictureStore
from widgets.theme import Theme


class ValuesModel(QAbstractListModel):
    """A model of frozen values with their texts for screen readers."""

    def __init__(self, parent: QObject | None = None) -> None:
        """Create a model without values."""
        super().__init__(parent)
        self.values: tuple[Any, ...] = ()
        self._spoken: tuple[str, ...] = ()

    def replace(self, values: Sequence[Any], spoken: Sequence[str]) -> None:
        """Show these values with their texts."""
        self.beginResetModel()
        self.values, self._spoken = tuple(values), tuple(spoken)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Return the number of values."""
        return 0 if parent.isValid() else len(self.values)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the value for the delegate, and text for the other roles."""
        if role == Qt.ItemDataRole.UserRole:
            return self.values[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return visible(self._spoken[index.row()])
        return None


def prepare_list(view: QListView, model: QAbstractListModel, theme: Theme, name: str, store: PictureStore) -> None:
    """Give a list its model and its accessible name, and paint it again for new pictures and another theme."""
    view.setModel(model)
    view.setAccessibleName(name)
    view.setAcceptDrops(False)
    view.setUniformItemSizes(True)
    view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    store.ready.connect(view.viewport().update)
    theme.changed.connect(view.viewport().update)
