"""Example values of the page Monitor. Loaded after `examples`, whose names it joins."""

from dataclasses import replace
from typing import Any

from widgets.pages.monitor.value import MonitorValue
from widgets.parts.tables.values import Cell
from widgets.plots.course_plot import Course
from widgets.plots.point_plot import PlotPoint
from workers.contracts.after.monitor import MonitorAlert

NOVEMBER = 1_762_000_000.0
DAY_S = 86_400.0


def alert(number: int, since: float) -> MonitorAlert:
    """The first is a danger, the last three are consequences of others."""
    return MonitorAlert(
        code="shift", statistic="brightness", level="warning" if number else "danger", since=since, until=None,
        noticed=since, before=0.29, now=0.2, direction=-1, name="", requests=100, bundle="b", title="Changed",
        follows="brightness" if number > 3 else "", what=f"Thing {number} changed.",
        advice="Accuracy is likely lower: add 200 recent pictures with the right answers, and optimize again.",
    )  # fmt: skip


def monitored(**changed: Any) -> MonitorValue:
    """Pictures that got darker on the eighth of twelve days."""
    days = [NOVEMBER + number * DAY_S / 4 for number in range(48)]
    dark = NOVEMBER + 8 * DAY_S
    points = tuple(PlotPoint(t, 0.2 if t >= dark else 0.29, f"day {number}") for number, t in enumerate(days))
    mark = (dark, days[-1])
    base = MonitorValue(
        headline="Pictures got darker since 9 Nov 12:26",
        subtitle="Clothes classifier, INT8; 6,000 requests from 1 Nov 2025 to 13 Nov 2025, log “my-log”",
        figures=(
            ("2", "alarms on", "7 since the log began"),
            ("0.3 %", "failed", "18 of 6,000 requests"),
            ("8.8", "ms, median latency", "7.1 ms at the beginning"),
        ),
        alerts=tuple(alert(number, dark) for number in range(7)),
        courses=(
            Course("Brightness", "Mean of each stretch", points, 0.288, "when it was tested", (mark,)),
            Course("Latency", "Median of each stretch, ms (less is better)", points),
            Course(
                "Energy",
                "Mean of each stretch",
                tuple(replace(one, y=-one.y) for one in points),
                -0.3,
                "when it was tested",
            ),
        ),
        rows=(
            (Cell("Brightness", strong=True), Cell("0.288"), Cell("0.201"), Cell("Alarm", tag="warn")),
            (Cell("Confidence", strong=True), Cell("0.912"), Cell("0.91"), Cell("As it was", tag="ok")),
        ),
        notes=("1 line is cut or damaged and left out; all others were read.",),
        examples="Add recent pictures",
    )
    return replace(base, **changed)


def monitored_quiet() -> MonitorValue:
    """Nothing to tell, of one moment."""
    one = (PlotPoint(NOVEMBER, 5.0, "now"),)
    return monitored(
        headline="No alarm: inputs and predictions are unchanged",
        alerts=(),
        courses=(Course("Latency", "ms", one),),
        examples="",
        notes=(),
    )


def own_of_monitor(value: MonitorValue) -> MonitorValue:
    """Figures and buttons are the program's own, whatever is in a log."""
    return replace(value, figures=monitored().figures, examples="Add recent pictures")
