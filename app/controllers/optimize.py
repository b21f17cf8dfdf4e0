"""The page Optimize: starts a run, follows it, goes on with one that was interrupted."""

import time
from collections import defaultdict
from datetime import datetime
from typing import Literal

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.controllers.flows import FlowRunner, Running
from app.controllers.run_watch import RunWatch
from app.controllers.session import Session
from app.controllers.words import tr
from app.domain.run import Goal, Run, RunState
from app.domain.variant import LatencyPoint
from app.services.events import (
    Event,
    LatenciesMeasured,
    LogLine,
    MeasuringChanged,
    RunChanged,
    StepChanged,
    StepProgress,
    VariantChanged,
)
from app.services.projects import latest_run, new_run
from app.services.recorder import Recorder
from app.services.running import RunAsk, resume_run
from app.services.workspace import usable_cores
from presets.schema import Preset
from widgets.main_window import MainWindow
from widgets.pages.optimize import LogLine as ShownLine
from widgets.pages.optimize import OptimizePage
from workers.contracts.errors import ErrorInfo
from workers.contracts.jobs import DataParams

NOW_MS = 250


class OptimizeController(QObject):
    """`finished` comes when a run has a result, `resume_requested` when one that was stopped shall go on."""

    finished = Signal()
    resume_requested = Signal()

    def __init__(self, window: MainWindow, page: OptimizePage, session: Session, flows: FlowRunner) -> None:
        super().__init__(page)
        self._window, self._page, self._session, self._flows = window, page, session, flows
        self._watch: RunWatch | None = None
        self._running: Running | None = None
        self._recorder: Recorder | None = None
        self._dirty = False
        self._clock = QTimer(self)
        self._clock.setInterval(NOW_MS)
        self._clock.timeout.connect(self._on_clock)
        page.goal_requested.connect(lambda: window.show_page("goal"))
        page.model_requested.connect(lambda: window.show_page("model"))
        page.compare_requested.connect(lambda: window.show_page("compare"))
        page.cancel_requested.connect(self.cancel)
        page.resume_requested.connect(self.resume_requested)
        page.restart_requested.connect(lambda: window.show_page("goal"))
        session.project_changed.connect(self.show)
        self.show()

    @property
    def is_running(self) -> bool:
        """A run goes on or waits."""
        return self._running is not None

    def show(self) -> None:
        """The run that goes on, else the project's last one, else nothing yet."""
        if self._running is not None:
            return
        project = self._session.project
        run = latest_run(self._session.workspace.repositories, project) if project else None
        if run is None:
            self._watch = None
            self._page.show_empty(has_model=self._session.model is not None)
        else:
            self._show_stored(run)

    def start(self, preset: Preset, threads: int | None) -> None:
        """A new run for the open project. The page follows it."""
        project = self._session.project
        if project is None or self._session.opening is None or self._running is not None:
            return
        goal = Goal(
            preset_id=preset.id,
            max_loss_pct=project.max_loss_pct,
            time_budget_s=preset.time_budget_s,
            threads=threads or usable_cores(),
        )
        self._drive(new_run(self._session.workspace.repositories, project, goal), preset)

    def resume(self, preset: Preset) -> None:
        """Go on with the run that is shown; what is in the store is not done again."""
        if self._watch is not None and self._running is None:
            self._drive(self._watch.run, preset)

    def cancel(self) -> None:
        """Stop within a second."""
        if self._running is not None:
            self._flows.cancel(self._running)

    def _drive(self, run: Run, preset: Preset) -> None:
        project, opening = self._session.project, self._session.opening
        if project is None or opening is None:
            return
        asked = self._session.asked_data or DataParams(model_dir="")
        ask = RunAsk(project, opening, asked, preset, run.goal)
        recorder, flow = resume_run(self._session.workspace, run, ask, self._on_event)
        self._recorder = recorder
        self._watch = RunWatch(run, time.monotonic())
        self._page.start()
        self._page.show_value(self._watch.value())
        self._window.show_page("optimize")
        self._clock.start()
        self._running = self._flows.start(
            flow,
            title=tr("Optimize {0}").format(project.name),
            on_done=self._on_done,
            on_failed=self._on_failed,
            on_cancelled=self._on_cancelled,
            observe=recorder.watch,
            is_run=True,
        )

    def _on_event(self, event: Event) -> None:
        watch = self._watch
        if watch is None:
            return
        self._dirty = True
        if isinstance(event, LatenciesMeasured):
            watch.latencies(event.points)
            self._add(event.points)
        elif isinstance(event, StepChanged):
            watch.step(event.step)
        elif isinstance(event, StepProgress):
            watch.progress(event)
        elif isinstance(event, VariantChanged):
            watch.variant(event.variant)
        elif isinstance(event, RunChanged):
            watch.run = event.run
        elif isinstance(event, MeasuringChanged):
            self._window.set_measuring(event.measuring)
        elif isinstance(event, LogLine) and event.level != "debug":
            self._page.add_log([ShownLine(event.text, _level(event.level), datetime.now().strftime("%H:%M:%S"))])

    def _add(self, points: tuple[LatencyPoint, ...]) -> None:
        by_variant: dict[str, list[LatencyPoint]] = defaultdict(list)
        for point in points:
            by_variant[point.variant_id].append(point)
        for variant_id, some in by_variant.items():
            times_s = np.array([point.at_s for point in some])
            self._page.add_latencies(variant_id, times_s, np.array([point.latency_ms for point in some]))

    def _on_clock(self) -> None:
        watch = self._watch
        if watch is None or watch.started_s is None:
            return
        self._page.set_now(time.monotonic() - watch.started_s)
        if self._dirty:
            self._dirty = False
            self._refresh(watch)

    def _refresh(self, watch: RunWatch) -> None:
        self._page.show_value(watch.value())
        self._page.set_series(watch.series())
        self._page.set_best(watch.best)

    def _end(self) -> None:
        self._running = None
        self._clock.stop()
        self._window.set_measuring(False)
        if self._watch is not None and self._recorder is not None:
            self._watch.run = self._recorder.run
            self._refresh(self._watch)

    def _on_done(self, run: Run) -> None:
        self._end()
        project = self._session.project
        if project is not None and run.project_id == project.id:
            self._session.refresh_project()
            self._session.set_run(run)
        self.finished.emit()

    def _on_failed(self, error: ErrorInfo) -> None:
        self._end()

    def _on_cancelled(self) -> None:
        if self._recorder is not None and self._recorder.run.state is RunState.QUEUED:
            self._recorder.end(RunState.CANCELLED)
        self._end()

    def _show_stored(self, run: Run) -> None:
        repositories = self._session.workspace.repositories
        watch = RunWatch(run)
        self._watch = watch
        self._page.start()
        points = tuple(repositories.latencies.of_run(run.id))
        watch.latencies(points)
        for step in repositories.runs.steps(run.id):
            watch.step(step)
        for variant in repositories.variants.list(run_id=run.id):
            watch.variant(variant)
        self._refresh(watch)
        self._add(points)


def _level(level: str) -> Literal["info", "warning", "error"]:
    return "error" if level == "error" else "warning" if level == "warning" else "info"
