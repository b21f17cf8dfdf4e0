"""Define the values of the page Data: frozen, with raw numbers in SI units that the page rounds."""

from dataclasses import dataclass

from widgets.pages.data.reading import ReadingValue
from widgets.parts.nouns import DataKind
from widgets.parts.pictures import PictureValue
from widgets.parts.small import CheckValue


@dataclass(frozen=True)
class ColumnsValue:
    """A table of texts: its columns, and the chosen ones for text and label ("" for none).

    `are_texts` means that a label is the right text (the reference), as for a translation.
    """

    names: tuple[str, ...]
    text: str
    label: str = ""
    are_texts: bool = False


@dataclass(frozen=True)
class DataValue:
    """A data set that was read; `source` is the dropped folder or file.

    `labels_from` describes where the labels were. `reading` is how the model's outputs are read. Of a large set
    `n_opened` were chosen at random. `n_merged` of these are equal to others for the model and count once with them.
    `earlier` is the name of the set that this one replaced, "" for none.
    """

    kind: DataKind
    n_items: int
    n_test: int
    n_calibration: int
    source: str = ""
    labelled: bool = False
    labels_from: str = ""
    class_counts: tuple[tuple[str, int], ...] = ()
    previews: tuple[tuple[PictureValue, str], ...] = ()
    checks: tuple[CheckValue, ...] = ()
    note: str = ""
    columns: ColumnsValue | None = None
    unknown_labels: tuple[str, ...] = ()
    model_classes: tuple[str, ...] = ()
    made: bool = False
    earlier: str = ""
    n_merged: int = 0
    n_opened: int = 0
    reading: ReadingValue | None = None
