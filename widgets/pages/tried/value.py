"""Define the values of the page "What was tried": frozen, as text, with figures from the store."""

from dataclasses import dataclass

from widgets.parts.small import TagKind


@dataclass(frozen=True)
class TriedRowValue:
    """One recipe; `gave` are its figures as text, `because` is why it is not recommended, `note` a remark."""

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
    """Time or memory: forecasts before the run and after measuring the original, the actual value, the error."""

    what: str
    before: str
    refined: str
    came: str
    error: str


@dataclass(frozen=True)
class TriedValue:
    """The page's value; `forecast_note` explains the figures of the forecast."""

    headline: str
    rows: tuple[TriedRowValue, ...]
    said: tuple[SaidValue, ...] = ()
    forecast: tuple[ForecastRowValue, ...] = ()
    forecast_note: str = ""
