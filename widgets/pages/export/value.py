"""What the page Export shows and asks for: frozen, raw numbers in SI units."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from widgets.parts.installing.value import SetValue
from widgets.parts.small import CheckValue
from workers.contracts.specs import Question


@dataclass(frozen=True)
class TargetValue:
    """A kind of bundle. Where it is not available, `text` says why, and `missing` is the set that it needs."""

    id: str
    title: str
    text: str
    icon: str = "folder"
    available: bool = True
    missing: SetValue | None = None
    suffix: str = ".zip"


@dataclass(frozen=True)
class SignValue:
    """Whether the bundle is to be signed. `key` is the fingerprint of this installation's key, "" before it is made.
    `available`: it can be signed; else `missing` is the set that signing needs.
    """

    wanted: bool = False
    key: str = ""
    available: bool = True
    missing: SetValue | None = None


@dataclass(frozen=True)
class ProveValue:
    """A faster version that the chosen target takes and whose answers were not tested; `takes` is about how long that
    lasts, in words, "" where it is not known.
    """

    title: str
    takes: str = ""
    is_running: bool = False


@dataclass(frozen=True)
class ExportValue:
    """`reason_needed` says in a sentence why the person's own words are wanted; empty for a safe version. `questions`
    are the chosen target's, beside the three that every bundle's card needs. `fallback_bytes` is what the original adds
    where it comes along as a fallback, None where it cannot; `fallback` whether it shall. `prove` is what the target
    could take once it is proven.
    """

    targets: tuple[TargetValue, ...]
    target: str
    version: str
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
    sign: SignValue = SignValue()
    fallback_bytes: int | None = None
    fallback: bool = False
    prove: ProveValue | None = None

    @property
    def suffix(self) -> str:
        """How the name of the file ends that the chosen target writes."""
        return next((target.suffix for target in self.targets if target.id == self.target), ".zip")


@dataclass(frozen=True)
class ExportRequest:
    """What the person wants written."""

    target: str
    path: str
    purpose: str
    not_for: str
    contact: str
    reason: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    sign: bool = False
    fallback: bool = False


@dataclass(frozen=True)
class DoneValue:
    """A bundle that has passed its self-test. `commands` are the lines that run it, `printed` what they print,
    `how_to_run` their heading. `has_page`: the card can be read as a page.
    """

    path: str
    size_bytes: int
    target: str
    card: str
    checks: tuple[CheckValue, ...]
    commands: tuple[str, ...]
    printed: tuple[str, ...] = ()
    how_to_run: str = ""
    tested: str = ""
    has_page: bool = False
