"""Collect the events of one active or waiting run, whether or not the page shows it."""

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime

from app.controllers.optimize.run_watch import RunWatch
from app.controllers.running import Running
from app.domain.run import Run, RunState, StepRecord
from app.domain.variant import LatencyPoint, Variant
from app.services.flow import events
from app.services.run.recorder import Recorder

MAX_LINES = 5000
MARKS = {"warning": "! ", "error": "× "}
"""Marks before lines of the log, by level."""


class LiveRun:
    """One active or waiting run with its events so far; owned by the controller of the page Optimize.

    `on_points`, `on_line` and `on_change` update the page while it shows this run.
    """

    def __init__(self, run: Run) -> None:
        """Create a run without events."""
        self.watch = RunWatch(run)
        self.lines: deque[str] = deque(maxlen=MAX_LINES)
        self.recorder: Recorder | None = None
        self.running: Running | None = None
        self.is_measuring = False
        self.on_points: Callable[[tuple[LatencyPoint, ...]], None] | None = None
        self.on_line: Callable[[str], None] | None = None
        self.on_change: Callable[[], None] | None = None

    @property
    def run(self) -> Run:
        """Return the run in its current state."""
        return self.watch.run

    def observe(self, event: events.Event) -> None:
        """Record an event of the run and update the page."""
        watch = self.watch
        match event:
            case events.LatenciesMeasured(points):
                watch.latencies(points)
                if self.on_points is not None:
                    self.on_points(points)
            case StepRecord():
                watch.step(event)
            case events.StepProgress():
                watch.progress(event)
            case events.JobBegan():
                watch.progress(None)  # the progress of the step's previous job
            case events.RunProgress(left_s=left_s):
                watch.whole = event
                watch.limit_at_s = None if left_s is None else time.monotonic() + left_s
            case Variant():
                watch.variant(event)
            case Run(state=state):
                watch.run = event
                if state is RunState.RUNNING and self.recorder is not None:
                    watch.started_s = self.recorder.zero_s
            case events.WaitingForQuiet():
                watch.waiting = None if event.is_over else event
            case events.MeasuringChanged(measuring):
                self.is_measuring = measuring
            case events.LogLine() if event.level != "debug":
                self._on_line(event)
        if self.on_change is not None:
            self.on_change()

    def _on_line(self, line: events.LogLine) -> None:
        shown = f"{datetime.now():%H:%M:%S} {MARKS.get(line.level, '')}{line.text}"
        self.lines.append(shown)
        if self.on_line is not None:
            self.on_line(shown)

    def leave(self) -> None:
        """Stop updating the page, because it shows something else."""
        self.on_points = self.on_line = self.on_change = None
