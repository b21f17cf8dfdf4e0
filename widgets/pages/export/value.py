"""Define the values of the page Export: frozen, with raw numbers in SI units."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from widgets.parts.installing.value import SetValue
from widgets.parts.small import CheckValue
from workers.contracts.specs import DescribedTarget, Question


@dataclass(frozen=True)
class ProveValue:
    """A faster version that the chosen target takes and whose predictions were not evaluated.

    `takes` is the expected time as text, "" if it is unknown.
    """

    title: str
    takes: str = ""
    is_measured: bool = True
    is_running: bool = False


@dataclass(frozen=True)
class ExportValue:
    """The form's value; each target comes with the set that it needs, None if it needs none.

    `reason_needed` is a sentence that requests the user's reason; "" for a safe version. `questions` are the chosen
    target's, beyond the three of every card, and `answers` are theirs by id. `sign` requests a signature by
    the key `sign_key`, which is "" before it is created; `sign_needs` is the set that signing needs.
    `fallback_bytes` is the additional size of the original as a fallback, None if it is impossible; `fallback`
    selects it. `prove` is the version that the target could take once it is proven.
    """

    targets: tuple[tuple[DescribedTarget, SetValue | None], ...]
    target: str
    path: str
    card: str
    checks: tuple[CheckValue, ...] = ()
    purpose: str = ""
    not_for: str = ""
    contact: str = ""
    reason_needed: str = ""
    reason: str = ""
    seconds: float | None = None
    checks_on_export: int = 0
    questions: tuple[Question, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    sign: bool = False
    sign_key: str = ""
    can_sign: bool = True
    sign_needs: SetValue | None = None
    fallback_bytes: int | None = None
    fallback: bool = False
    prove: ProveValue | None = None

    @property
    def suffix(self) -> str:
        """Return the file suffix of the chosen target."""
        return next((target.suffix for target, _ in self.targets if target.id == self.target), ".zip")
