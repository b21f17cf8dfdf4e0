"""Define the values of the page Monitor: frozen, with raw numbers in SI units."""

from dataclasses import dataclass

from widgets.parts.tables.values import Cell
from widgets.plots.course_plot import Course
from workers.contracts.after.monitor import MonitorAlert


@dataclass(frozen=True)
class MonitorValue:
    """The page's value: `figures` are a value, its unit and a line below.

    `rows` have four cells: a statistic, its value in the evaluation data, its value now, and the verdict.
    `is_tested` means that the bundle has evaluation data; otherwise the beginning of the log replaces them.
    """

    headline: str
    subtitle: str
    figures: tuple[tuple[str, str, str], ...]
    alerts: tuple[MonitorAlert, ...]
    courses: tuple[Course, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...]
    examples: str = ""
    is_tested: bool = True
