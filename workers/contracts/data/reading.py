"""Contracts of the job kind ``data``: read a data set."""

from typing import Literal

from workers.contracts.base import Frozen, PathText
from workers.contracts.specs import Finding

NO_CALIBRATION = "no_calibration"
"""Code of the finding that the calibration set has no items for techniques that need it."""

FOLDER_LABELS = "folder_labels"
"""Code of the finding that labels are the names of sub-folders."""


LABEL_CHOICES = "columns"
"""Name of the fact of a refused table: it would fit if one of these columns held the labels."""

IN_A_ROW = "texts in a row"
"""Name of the fact with the number of texts that an item of a stored data set was made from."""

FETTLES_OWN = "Fettle's own"
"""Name of the fact that marks a dialogue that Fettle added to a stored data set."""


class DataParams(Frozen):
    """Parameters of the kind ``data``: read a data set, merge duplicates, split it, write `work_dir`/data.

    The parts do not overlap.

    Attributes:
        path: Without it the job generates inputs (`origin` "made").
        label_map: The model's class for labels that the model does not know by that name.
        left_out: Items with these sources are not used.
        relabeled: Other labels by source.
        moved: Other parts by source, where Fettle splits the data.
        confirmed: Sources whose labels the user has checked; they are right, whatever a check reports.
        max_test: Maximum number of test items.
        max_calibration: Maximum number of calibration items.
        rule: Version of the order of items; folders of another version are not taken from the store.
    """

    model_dir: str
    path: PathText | None = None
    calibration_path: PathText | None = None
    text_column: str | None = None
    label_column: str | None = None
    label_map: dict[str, str] = {}
    left_out: tuple[str, ...] = ()
    relabeled: dict[str, str] = {}
    moved: dict[str, Literal["test", "calibration"]] = {}
    confirmed: tuple[str, ...] = ()
    max_test: int = 5000
    max_calibration: int = 200
    rule: Literal[2] = 2


class DataResult(Frozen, extra="ignore"):
    """Result of the kind ``data``; results of version 0.2 have further fields.

    Attributes:
        n_items: Number of items found.
        n_opened: Number of items opened: of a large set those chosen at random (0: not stored).
        n_added: Number of the `n_test` items that Fettle added itself.
        class_counts: Number of items by label name.
        unknown_labels: Labels that the model does not know, the most frequent first, at most 50.
        columns: Columns of a table; `text_column` and `label_column` are those in use ("" for none). A table of numbers
            has no column of texts.
        row_columns: Columns of a row of numbers in the order in which the model takes them; () if they are too many.
    """

    data_dir: str = "data"
    origin: Literal["person", "made"]
    kind: Literal["images", "texts", "arrays", "audio"]
    n_items: int
    n_opened: int = 0
    n_test: int
    n_added: int = 0
    n_calibration: int
    labelled: bool
    merged_doubles: int = 0
    unreadable: tuple[str, ...] = ()
    class_counts: dict[str, int] = {}
    findings: tuple[Finding, ...] = ()
    unknown_labels: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    text_column: str = ""
    label_column: str = ""
    row_columns: tuple[str, ...] = ()
    sha256: str

    @property
    def n_of_person(self) -> int:
        """Return the number of test items without those that Fettle added."""
        return self.n_test - self.n_added
