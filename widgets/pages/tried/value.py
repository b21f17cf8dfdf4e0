"""Define the value of the page "What was tried": frozen, as text, with figures from the store."""

from dataclasses import dataclass

from widgets.parts.tables.values import Cell


@dataclass(frozen=True)
class TriedValue:
    """The page's value.

    Attributes:
        rows: Four cells for each recipe: its title and reason, its figures and a remark, why it is not recommended, and
            the outcome.
        said: Explanations: an icon, a title and sentences.
        forecast: Rows of five texts: time or memory, forecasts before the run and after measuring the original, the
            actual value, and the error.
        forecast_note: Explanation of the figures of the forecast.
    """

    headline: str
    rows: tuple[tuple[Cell, Cell, Cell, Cell], ...]
    said: tuple[tuple[str, str, str], ...] = ()
    forecast: tuple[tuple[str, str, str, str, str], ...] = ()
    forecast_note: str = ""
