"""What the page "What was tried" shows: frozen, in words; figures come from the store."""

from dataclasses import dataclass

from widgets.parts.small import TagKind


@dataclass(frozen=True)
class TriedRowValue:
    """One way. `gave` are its figures in words, `because` why it is not the recommended one, `note` what to know."""

    title: str
    why: str
    tag: TagKind
    outcome: str
    gave: str = ""
    because: str = ""
    note: str = ""


@dataclass(frozen=True)
class SaidValue:
    """Sentences under a heading."""

    icon: str
    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class ForecastRowValue:
    """Time or memory: what was said before the run, what once the original was measured, what came, and the error."""

    what: str
    before: str
    refined: str
    came: str
    error: str


@dataclass(frozen=True)
class TriedValue:
    """The whole way of one run. `forecast_note` says what the figures of the forecast do not."""

    headline: str
    rows: tuple[TriedRowValue, ...]
    said: tuple[SaidValue, ...] = ()
    forecast: tuple[ForecastRowValue, ...] = ()
    forecast_note: str = ""
