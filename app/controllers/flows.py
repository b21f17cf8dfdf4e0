"""Drives flows in the window: one timer polls them all, so that there is no thread to race with Qt."""

import logging
import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.controllers.wakes import IS_OFFERED, Wakes
from app.services.flow.driver import Driver
from app.services.flow.events import Event, Observer, RunProgress, RunProgressed, StepProgress, ignore
from app.services.flow.steps import Flow, FlowCancelled, JobError
from app.services.flow.workspace import Workspace
from workers.contracts.errors import ErrorInfo, WorkerError, words_for

POLL_MS, TIMING_POLL_MS = 30, 500 if IS_OFFERED else 100
"""How often it looks: while requests are timed only for what hangs, where the end of a block is heard."""

TIMING_MOST_S = 3.0
"""A block has two seconds; what takes longer has requests of seconds, which a few frames do not disturb."""
TRY_AGAIN = "Try again; if it happens twice, report it with the log."
TICK_BUDGET_S = 0.006
"""More would be seen as a stutter; what is left is read at the next tick (QT.md)."""

Done = Callable[[Any], None]
Failed = Callable[[ErrorInfo], None]


class Running:
    """A flow that was handed in. `title` is for the list of jobs, `progress` how far it is, as far as it told."""

    def __init__(self, flow: Flow[Any], observe: Observer, title: str) -> None:
        self.flow, self._observe, self.title = flow, observe, title
        self.progress: RunProgress | None = None
        self.driver: Driver[Any] | None = None
        self.started_s = time.monotonic()
        self.on_done: Done | None = None
        self.on_failed: Failed | None = None
        self.on_cancelled: Callable[[], None] | None = None
        self.is_run = False
        self.run_id = ""
        self.measures = False
        self.begins_again = self.makes_room = self.is_alone = False

    def observe(self, event: Event) -> None:
        """Keep how far it is, and pass the event on. What is no run tells of the stage that it is in."""
        if isinstance(event, RunProgressed):
            self.progress = event.progress
        elif isinstance(event, StepProgress) and not self.is_run:
            share = min(1.0, event.done / event.total) if event.total else 0.0
            self.progress = RunProgress(share, event.stage) if event.total else None
        self._observe(event)


class FlowRunner(QObject):
    """What measures (runs of an optimization, a load) waits for each other; what a page asks for goes beside them.

    `timing_changed(True)` while a block of requests is timed, two seconds at most for most models.
    """

    changed = Signal()
    timing_changed = Signal(bool)

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._active: list[Running] = []
        self._waiting: list[Running] = []
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._on_tick)
        self._wakes = Wakes(self)
        self._wakes.came.connect(self._on_tick)
        self._is_timing = False
        self._timing_since_s: float | None = None

    @property
    def active(self) -> tuple[Running, ...]:
        """Flows that run now."""
        return tuple(self._active)

    @property
    def is_timing(self) -> bool:
        """A block of requests is timed now."""
        return self._is_timing

    @property
    def everything(self) -> tuple[Running, ...]:
        """What runs and what waits."""
        return (*self._active, *self._waiting)

    @property
    def pids(self) -> list[int]:
        """Processes that work now."""
        return [pid for running in self._active if running.driver is not None for pid in running.driver.pids]

    @property
    def runs(self) -> tuple[Running, ...]:
        """What measures, an optimization or another, and runs or waits: beside it nothing else may."""
        return tuple(running for running in self.everything if running.measures)

    def start(
        self,
        flow: Flow[Any],
        *,
        title: str,
        on_done: Done,
        on_failed: Failed,
        on_cancelled: Callable[[], None] | None = None,
        observe: Observer = ignore,
        is_run: bool = False,
        run_id: str = "",
        measures: bool = False,
        begins_again: bool = False,
        makes_room: bool = False,
        is_alone: bool = False,
    ) -> Running:
        """Begin a flow, or queue it behind what measures now, if it measures too (`is_run`: an optimization does).

        `begins_again`: it starts by itself the next time, so that nobody needs to be asked before it is stopped.
        `makes_room`: it stops by itself for what measures. `is_alone`: nothing begins beside it.
        """
        running = Running(flow, observe, title)
        running.on_done, running.on_failed, running.on_cancelled = on_done, on_failed, on_cancelled
        running.is_run, running.run_id, running.measures = is_run, run_id, measures or is_run
        running.begins_again, running.makes_room, running.is_alone = begins_again, makes_room, is_alone
        self._waiting.append(running)
        self._begin_waiting()
        return running

    def cancel(self, running: Running) -> None:
        """Stop a flow; one that waits is forgotten."""
        if running in self._waiting:
            self._waiting.remove(running)
            running.flow.close()
            self._tell(running.on_cancelled)
            self.changed.emit()
        elif running.driver is not None:
            running.driver.cancel()

    def interrupt_all(self) -> None:
        """The window closes: end every process at once; runs are kept as interrupted and can go on."""
        self._timer.stop()
        self._wakes.watch(())
        for running in self._active:
            if running.driver is not None:
                running.driver.interrupt()
        for running in self._waiting:
            running.flow.close()
        self._active, self._waiting = [], []
        self._tell_timing()

    def _begin_waiting(self) -> None:
        for running in list(self._waiting):
            if any(other.is_alone or (running.measures and other.measures) for other in self._active):
                continue
            if running.is_alone and self._active:
                continue
            self._waiting.remove(running)
            running.driver = Driver(self._workspace, running.flow, running.observe)
            self._active.append(running)
        if self._active and not self._timer.isActive():
            self._timer.start()
        self.changed.emit()

    def _on_tick(self) -> None:
        self._wakes.watch(())  # what ends now is closed
        until = time.monotonic() + TICK_BUDGET_S
        for running in list(self._active):
            if running.driver is not None and not running.driver.tick():
                self._active.remove(running)
                self._conclude(running, running.driver)
            if time.monotonic() > until:
                break
        if len(self._active) > 1:  # fair when the budget ran out
            self._active.append(self._active.pop(0))
        self._tell_timing()
        if not self._is_timing:
            self._workspace.pool.tick()
        if not self._active and not self._waiting:
            self._timer.stop()

    def _tell_timing(self) -> None:
        """While requests are timed, whoever works by a timer waits, and this one looks seldom: it hears their end."""
        drivers = [running.driver for running in self._active if running.driver is not None]
        self._wakes.watch([one for driver in drivers for one in driver.waitables])
        is_timing = any(driver.is_timing for driver in drivers)
        now_s = time.monotonic()
        self._timing_since_s = (self._timing_since_s or now_s) if is_timing else None
        is_timing = self._timing_since_s is not None and now_s - self._timing_since_s < TIMING_MOST_S
        if is_timing != self._is_timing:
            self._is_timing = is_timing
            self._timer.setInterval(TIMING_POLL_MS if is_timing else POLL_MS)
            self.timing_changed.emit(is_timing)

    def _conclude(self, running: Running, driver: Driver[Any]) -> None:
        self._begin_waiting()
        try:
            self._tell_end(running, driver)
        finally:
            driver.holding.end()

    def _tell_end(self, running: Running, driver: Driver[Any]) -> None:
        error = driver.error
        if error is None:
            if running.on_done is not None:
                running.on_done(driver.result)
        elif isinstance(error, FlowCancelled):
            self._tell(running.on_cancelled)
        else:
            if not isinstance(error, (JobError, WorkerError)):
                logging.getLogger(__name__).error("a mistake of the program's own", exc_info=error)
            if running.on_failed is not None:
                running.on_failed(error.error if isinstance(error, JobError) else words_for(error, TRY_AGAIN))

    @staticmethod
    def _tell(callback: Callable[[], None] | None) -> None:
        if callback is not None:
            callback()
