"""Define the value of the page "What changed, and why"."""

from dataclasses import dataclass

from widgets.pages.changes.tried import TriedValue
from workers.contracts.after.changes import DiffResult, ExplainResult


@dataclass(frozen=True)
class ChangesValue:
    """The comparison of the original with the chosen version.

    Attributes:
        versions: Pairs of id and title.
        chosen: Id of the chosen version; "" without a version.
        tried: Everything that the run tried.
        result: The comparison; None before it was made, and for the original.
        explained: Why the version answers otherwise; None before that was looked for.
        n_changed: Number of test examples that it answers otherwise; None if it was not tested.
        can_explain: Whether it was made elsewhere, so that another preparation may explain its answers.
        can_compare: Whether the version can be compared with the original.
    """

    versions: tuple[tuple[str, str], ...]
    chosen: str
    tried: TriedValue
    result: DiffResult | None = None
    explained: ExplainResult | None = None
    n_changed: int | None = None
    can_explain: bool = False
    can_compare: bool = True
