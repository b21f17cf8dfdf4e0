"""What the page Data shows: frozen, raw numbers in SI units; the page rounds them."""

from dataclasses import dataclass

from widgets.pages.data.reading import ReadingValue
from widgets.parts.nouns import DataKind
from widgets.parts.pictures import PictureValue
from widgets.parts.small import CheckValue


@dataclass(frozen=True)
class DataAskValue:
    """What the model wants: pictures, texts, arrays or sounds, and what can be measured without them."""

    kind: DataKind = "images"


@dataclass(frozen=True)
class ColumnsValue:
    """A table of texts: its columns, and which were taken for text and label ("" for none). `are_texts`: what stands
    there for a label is the right text (the reference), as of a translation.
    """

    names: tuple[str, ...]
    text: str
    label: str = ""
    are_texts: bool = False


@dataclass(frozen=True)
class DataValue:
    """A data set that was read. `source` is the dropped folder or file, `labels_from` words for where labels were.

    `reading` is how the model's results are read. Of a large set `n_opened` were chosen by chance; `n_merged` of these
    are the same to the model as others and count once with them. `earlier` is the name of the set that it replaced, ""
    for none.
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
