"""What the page Monitor shows: frozen, raw numbers in SI units."""

from dataclasses import dataclass

from widgets.parts.small import TagKind
from widgets.plots.course_plot import CourseMark, CoursePoint


@dataclass(frozen=True)
class AlertValue:
    """What happened and what to do, in a sentence or two each; `tag` and `when` stand beside it."""

    level: TagKind
    what: str
    advice: str
    tag: str


@dataclass(frozen=True)
class CourseValue:
    """A graph over time: `usual` is what the evaluation data have, None where that is not known."""

    title: str
    y_title: str
    points: tuple[CoursePoint, ...]
    usual: float | None = None
    usual_name: str = ""
    marks: tuple[CourseMark, ...] = ()


@dataclass(frozen=True)
class DriftRowValue:
    """One figure now and in the evaluation data, in words."""

    name: str
    before: str
    now: str
    level: TagKind
    verdict: str


@dataclass(frozen=True)
class BigFigure:
    """A large value, its words, a line below."""

    value: str
    unit: str
    text: str


@dataclass(frozen=True)
class MonitorValue:
    """`project` is the name of the one that the bundle came from, "" where it is not here; `is_tested`: the bundle
    has evaluation data, else the beginning of the log takes their place.
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
