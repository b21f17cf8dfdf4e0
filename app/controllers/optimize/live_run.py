"""Collect the events of one active or waiting run, whether or not the page shows it."""

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from app.controllers.flows import Running
from app.controllers.optimize.run_watch import RunWatch
from app.domain.run import Run, RunState
from app.domain.variant import LatencyPoint
from app.services.flow.events import (
    Event,
    JobBegan,
    LatenciesMeasured,
    LogLine,
    MeasuringChanged,
    RunChanged,
    RunProgressed,
    StepChanged,
    StepProgress,
    VariantChanged,
    WaitingForQuiet,
)
from app.services.run.recorder import Recorder
from widgets.pages.optimize.page import LogLine as ShownLine

MAX_LINES = 5000


class LiveRun:
    """One active or waiting run with its events so far; owned by the controller of the page Optimize.

    `on_points`, `on_line` and `on_change` update the page while it shows this run.
    """

    def __init__(self, run: Run) -> None:
        """Create a run without events."""
        self.watch = RunWatch(run)
        self.lines: deque[ShownLine] = deque(maxlen=MAX_LINES)
        self.recorder: Recorder | None = None
        self.running: Running | None = None
        self.is_measuring = False
        self.on_points: Callable[[tuple[LatencyPoint, ...]], None] | None = None
        self.on_line: Callable[[ShownLine], None] | None = None
        self.on_change: Callable[[], None] | None = None

    @property
    def run(self) -> Run:
        """Return the run in its current state."""
        return self.watch.run

    def observe(self, event: Event) -> None:
        """Record an event of the run and update the page."""
        watch = self.watch
        if isinstance(event, LatenciesMeasured):
            watch.latencies(event.points)
            if self.on_points is not None:
                self.on_points(event.points)
        elif isinstance(event, StepChanged):
            watch.step(event.step)
        elif isinstance(event, StepProgress):
            watch.progress(event)
        elif isinstance(event, JobBegan):
            watch.progress(None)  # the progress of the step's previous job
        elif isinstance(event, RunProgressed):
            watch.whole, left_s = event.progress, event.progress.left_s
            watch.limit_at_s = None if left_s is None else time.monotonic() + left_s
        elif isinstance(event, VariantChanged):
            watch.variant(event.variant)
        elif isinstance(event, RunChanged):
            self._on_run(event.run)
        elif isinstance(event, WaitingForQuiet):
            watch.waiting = None if event.is_over else event
        elif isinstance(event, MeasuringChanged):
            self.is_measuring = event.measuring
        elif isinstance(event, LogLine) and event.level != "debug":
            self._on_line(event)
        if self.on_change is not None:
            self.on_change()

    def _on_run(self, run: Run) -> None:
        self.watch.run = run
        if run.state is RunState.RUNNING and self.recorder is not None:
            self.watch.started_s = self.recorder.zero_s

    def _on_line(self, line: LogLine) -> None:
        shown = ShownLine(line.text, _level(line.level), datetime.now().strftime("%H:%M:%S"))
        self.lines.append(shown)
        if self.on_line is not None:
            self.on_line(shown)

    def leave(self) -> None:
        """Stop updating the page, because it shows something else."""
        self.on_points = self.on_line = self.on_change = None


def _level(level: str) -> Literal["info", "warning", "error"]:
    return "error" if level == "error" else "warning" if level == "warning" else "info"
