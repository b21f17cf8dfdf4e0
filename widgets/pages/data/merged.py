"""Part of the page Data: examples that are the same to the model as others, in words."""

from PySide6.QtCore import QCoreApplication

from widgets.pages.data.value import DataValue
from widgets.parts.nouns import counted


def _tr(text: str) -> str:
    return QCoreApplication.translate("data_merged", text)


def merged_words(value: DataValue, name: str) -> str:
    """From “pictures”: 5,000 pictures, of which 4,820 are the same to the model as others. 180 are left."""
    left = value.n_test + value.n_calibration
    if value.n_merged == 1:
        text = _tr("From “{0}”: {1}, of which 1 is the same to the model as another. {3:,} are left.")
    else:
        text = _tr("From “{0}”: {1}, of which {2:,} are the same to the model as others. {3:,} are left.")
    return text.format(name, counted(value.kind, value.n_items), value.n_merged, left)
