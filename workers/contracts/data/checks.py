"""Contracts of the job kind ``data_check`` (`fettle data check`, the page Data)."""

from typing import Literal

from pydantic import Field

from workers.contracts.base import Frozen, PathText
from workers.contracts.text import Text

MAX_NAMED = 1000
"""Maximum number of items that one finding names; its count covers all of them."""


class DataCheckParams(Frozen):
    """Parameters of the kind ``data_check``: check the items of a set, alone or together with a second set.

    Attributes:
        against: The second set.
        model_dir: Read the data as for this model.
        data_dir: Read set of the folder `data`, used instead of `against`: its calibration items are the second set,
            its test items the first.
        left_out: Items with these sources are skipped.
        relabeled: Other labels of items by source.
        max_items: Maximum number of items of each set, chosen at random.
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
    """Finding of one check.

    Attributes:
        check: Id of the check.
        what: A whole sentence.
        hint: What to do about it; "" for nothing.
        items: Names of the items concerned, at most 1,000.
        groups: Groups of equal items, at most 1,000: "name" or, in the second set, "set: name".
        values: Measured figures by name (p-values, shares 0..1, sizes in pixels).
    """

    check: str
    level: Literal["info", "warning", "danger"]
    what: Text
    hint: Text = ""
    count: int | None = None
    items: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    values: dict[str, float] = {}


class Suspect(Frozen):
    """An item whose label is probably wrong.

    Attributes:
        given: Its current label.
        likely: The likely label.
        share: Confidence of the classifier in the likely label (0..1).
        picture: PNG below the work folder; "" if there is none, then `text` describes the item.
    """

    source: str
    given: str
    likely: str
    share: float
    picture: str = ""
    text: str = ""


class DataCheckResult(Frozen):
    """Result of the kind ``data_check``.

    Attributes:
        counts: Counts by name; None if that check does not apply or could not run.
        leave_out: Sources of the first set to leave out, which ends leakage and unreadable items.
        suspects: The likeliest label errors, at most 60.
    """

    kind: Literal["images", "texts", "arrays", "audio"]
    findings: tuple[CheckFinding, ...]
    counts: dict[str, int | None]
    leaked: int = 0
    unreadable: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    suspects: tuple[Suspect, ...] = ()
