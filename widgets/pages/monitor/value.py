"""Define the values of the page Monitor: frozen, with raw numbers in SI units."""

from dataclasses import dataclass

from widgets.parts.small import TagKind
from widgets.plots.course_plot import CourseMark, CoursePoint


@dataclass(frozen=True)
class AlertValue:
    """An alarm and the advice for it, in one or two sentences each; `tag` is its state."""

    level: TagKind
    what: str
    advice: str
    tag: str


@dataclass(frozen=True)
class CourseValue:
    """A graph over time; `usual` is the value of the evaluation data, None if it is unknown."""

    title: str
    y_title: str
    points: tuple[CoursePoint, ...]
    usual: float | None = None
    usual_name: str = ""
    marks: tuple[CourseMark, ...] = ()


@dataclass(frozen=True)
class DriftRowValue:
    """One figure now and in the evaluation data, as text."""

    name: str
    before: str
    now: str
    level: TagKind
    verdict: str


@dataclass(frozen=True)
class BigFigure:
    """A large value, its unit and a line below."""

    value: str
    unit: str
    text: str


@dataclass(frozen=True)
class MonitorValue:
    """The page's value; `project` is the name of the bundle's project, "" if it is not on this computer.

    `is_tested` means that the bundle has evaluation data; otherwise the beginning of the log replaces them.
    """

    headline: str
    subtitle: str
    figures: tuple[BigFigure, ...]
    alerts: tuple[AlertValue, ...]
    courses: tuple[CourseValue, ...]
    rows: tuple[DriftRowValue, ...]
    notes: tuple[str, ...]
    project: str = ""
    examples: str = ""
    is_tested: bool = True
