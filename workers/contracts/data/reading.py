"""How data are asked for and what was read: the job kind ``data``."""

from typing import Literal

from workers.contracts.base import Frozen
from workers.contracts.paths import PathText
from workers.contracts.specs import Finding

NO_CALIBRATION = "no_calibration"
"""Code of the finding that no items are kept for techniques that learn from some."""

FOLDER_LABELS = "folder_labels"
"""Code of the finding that labels are the names of sub-folders."""


class DataParams(Frozen):
    """kind ``data``: reads a data set, merges doubles, splits it without overlap, writes `work_dir`/data.

    Without `path` it makes inputs itself (`origin` "made"). At most `max_test` and `max_calibration` items are used.
    `label_map` says which answer of the model a label means that it does not know by that name. Items whose source is
    in `left_out` are not used; `relabeled` gives sources another label, `moved` another part, where Fettle splits.
    Those in `confirmed` were looked at: their labels are right, whatever a check thinks. `rule` is the version of the
    order of items: folders of another one are not taken from the store.
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


class DataResult(Frozen):
    """`previews` are up to 24 (file or text, label name) pairs; `class_counts` by label name.

    Of `n_items` that were found, `n_opened` were opened: of a large set those chosen by chance (0: not stored).
    `unknown_labels` are those that the model does not know, the most frequent first, at most 50. `columns` are a
    table's, with the two that were taken ("" where none was). Of the `n_test` items Fettle added `n_added` itself.
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
    previews: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()
    unknown_labels: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    text_column: str = ""
    label_column: str = ""
    sha256: str

    @property
    def n_of_person(self) -> int:
        """Test items without those that Fettle added."""
        return self.n_test - self.n_added
