"""What checks of data are asked and find: the job kind ``data_check`` (`fettle data check`, the page Data)."""

from typing import Literal

from pydantic import Field

from workers.contracts.base import Frozen
from workers.contracts.paths import PathText

MAX_NAMED = 1000
"""Items that one finding names at most; its count is of all."""


class DataCheckParams(Frozen):
    """kind ``data_check``: looks at the items of a set, alone or beside another one.

    The second set is `against`; or, with `data_dir` (a read set of the folder `data`), the items that calibrate there,
    while those that test are the first one. With `model_dir` data are read as for that model. Items whose source is in
    `left_out` are not looked at; those in `relabeled` have another label. At most `max_items` of each set are,
    chosen by chance.
    """

    path: PathText
    against: PathText | None = None
    model_dir: str | None = None
    data_dir: str | None = None
    text_column: str | None = None
    label_column: str | None = None
    left_out: tuple[str, ...] = ()
    relabeled: dict[str, str] = {}
    max_items: int = Field(default=100_000, ge=1)


class CheckFinding(Frozen):
    """What one check found. `check` is its id; `what` a whole sentence, `hint` what to do about it ("" for nothing).

    `items` names the items concerned, `groups` those that are the same, "name" or, in the second set, "set: name";
    both hold at most 1,000. `values` are measured figures by name (p-values, shares 0..1, sizes in pixels).
    """

    check: str
    level: Literal["info", "warning", "danger"]
    what: str
    hint: str = ""
    count: int | None = None
    items: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    values: dict[str, float] = {}


class Suspect(Frozen):
    """An item whose label is probably wrong: the label that is `given` and the `likely` one.

    `share` is how sure the classifier is of the likely one (0..1). `picture` is a PNG below the work folder, "" where
    there is none; then `text` says what it is.
    """

    source: str
    given: str
    likely: str
    share: float
    picture: str = ""
    text: str = ""


class DataCheckResult(Frozen):
    """`counts` by name; None where nothing was counted, because that check does not apply or could not be made.

    `leave_out` are sources of the first set whose leaving out ends leakage and unreadable items. `suspects` are the
    likeliest label errors, at most 60.
    """

    kind: Literal["images", "texts", "arrays", "audio"]
    findings: tuple[CheckFinding, ...]
    counts: dict[str, int | None]
    leaked: int = 0
    unreadable: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    suspects: tuple[Suspect, ...] = ()
