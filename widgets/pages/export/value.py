"""What the page Export shows and asks for: frozen, raw numbers in SI units."""

from dataclasses import dataclass

from widgets.parts.small import CheckValue


@dataclass(frozen=True)
class TargetValue:
    """A kind of bundle that can be written here."""

    id: str
    title: str
    text: str
    icon: str = "folder"
    available: bool = True
    hint: str = ""


@dataclass(frozen=True)
class ExportValue:
    """`reason_needed` says in a sentence why the person's own words are wanted; empty for a safe version."""

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


@dataclass(frozen=True)
class ExportRequest:
    """What the person wants written."""

    target: str
    path: str
    purpose: str
    not_for: str
    contact: str
    reason: str = ""


@dataclass(frozen=True)
class DoneValue:
    """A bundle that has passed its self-test. `commands` are the lines that run it, `printed` what they print."""

    path: str
    size_bytes: int
    target: str
    card: str
    checks: tuple[CheckValue, ...]
    commands: tuple[str, ...]
    printed: tuple[str, ...] = ()
    tested: str = ""
