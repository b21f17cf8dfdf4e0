"""Drive all flows of the window from one timer, so that no thread competes with Qt."""

import logging
import time
from collections.abc import Callable
from typing import Any, Unpack

from PySide6.QtCore import QObject, Signal

from app.controllers.pipe_notifier import IS_SUPPORTED, PipeNotifier
from app.controllers.running import Done, Failed, FlowOptions, JobSlot, Running
from app.services.flow.driver import Driver
from app.services.flow.events import Observer, ignore
from app.services.flow.steps import Flow, FlowCancelled, JobError
from app.services.flow.workspace import Workspace
from widgets.timers import every
from workers.contracts.errors import WorkerError, words_for
from workers.contracts.translation import in_english

POLL_MS, TIMING_POLL_MS = 30, 500 if IS_SUPPORTED else 100
"""Poll intervals in ms. While requests are timed, notifiers report the end of a block; the poll only detects hangs."""

TIMING_MOST_S = 3.0
"""Longest pause for timing, in seconds. A block takes two; longer requests are not disturbed by a few frames."""
TRY_AGAIN = "Try again; if it happens twice, report it with the log."
TICK_BUDGET_S = 0.006
"""Longest work per tick, in seconds. More would be visible as a stutter; the rest waits for the next tick."""


class FlowRunner(QObject):
    """The runner of all flows in the window, owned by the window's controller.

    Flows that measure (optimization runs, load tests) wait for each other. Other flows of pages run in parallel.
    `timing_changed(True)` is emitted while a block of requests is timed, which takes at most two seconds for most
    models.
    """

    changed = Signal()
    timing_changed = Signal(bool)

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        """Create an idle runner."""
        super().__init__(parent)
        self._workspace = workspace
        self._active: list[Running] = []
        self._waiting: list[Running] = []
        self._timer = every(self, POLL_MS, self._on_tick)
        self._notifier = PipeNotifier(self)
        self._notifier.readable.connect(self._on_tick)
        self._is_timing = False
        self._timing_since_s: float | None = None

    @property
    def active(self) -> tuple[Running, ...]:
        """Return the flows that run now."""
        return tuple(self._active)

    @property
    def is_timing(self) -> bool:
        """Return whether a block of requests is timed now."""
        return self._is_timing

    @property
    def everything(self) -> tuple[Running, ...]:
        """Return the running and the waiting flows."""
        return (*self._active, *self._waiting)

    @property
    def pids(self) -> list[int]:
        """Return the ids of the processes that work now."""
        return [pid for running in self._active if running.driver is not None for pid in running.driver.pids]

    @property
    def runs(self) -> tuple[Running, ...]:
        """Return the running and waiting flows that measure; no other measurement may run at the same time."""
        return tuple(running for running in self.everything if running.measures)

    def start(
        self,
        flow: Flow[Any],
        *,
        title: str,
        on_done: Done,
        on_failed: Failed,
        observe: Observer = ignore,
        slot: JobSlot | None = None,
        **options: Unpack[FlowOptions],
    ) -> Running:
        """Start a flow, or queue it if it measures and another measurement runs; see `Running` for the options.

        A measurement cancels all flows that yield to measurements.
        """
        running = Running(flow, title, on_done, on_failed, observe, slot, **options)
        if slot is not None:
            before, slot.running = slot.running, running
            if before is not None:
                self.cancel(before)
        self._waiting.append(running)
        for other in self.everything if running.measures else ():
            if other.yields_to_measurements:
                self.cancel(other)
        self._begin_waiting()
        return running

    def cancel(self, running: Running) -> None:
        """Stop a running flow or remove a waiting flow."""
        if running in self._waiting:
            self._waiting.remove(running)
            running.flow.close()
            self._report(running, running.on_cancelled)
            self.changed.emit()
        elif running.driver is not None:
            running.driver.cancel()

    def interrupt_all(self) -> None:
        """End every process at once as the window closes; runs are stored as interrupted and can continue later."""
        self._timer.stop()
        self._notifier.watch(())
        for running in self._active:
            if running.driver is not None:
                running.driver.interrupt()
        for running in self._waiting:
            running.flow.close()
        self._active, self._waiting = [], []
        self._report_timing()

    def _begin_waiting(self) -> None:
        for running in list(self._waiting):
            if any(other.exclusive or (running.measures and other.measures) for other in self._active):
                continue
            if running.exclusive and self._active:
                continue
            self._waiting.remove(running)
            with in_english():
                running.driver = Driver(self._workspace, running.flow, running.observe)
            self._active.append(running)
        if self._active and not self._timer.isActive():
            self._timer.start()
        self.changed.emit()

    def _on_tick(self) -> None:
        self._notifier.watch(())  # a pipe that ends in this tick is closed
        until = time.monotonic() + TICK_BUDGET_S
        for running in list(self._active):
            with in_english():
                goes_on = running.driver is None or running.driver.tick()
            if running.driver is not None and not goes_on:
                self._active.remove(running)
                self._conclude(running, running.driver)
            if time.monotonic() > until:
                break
        if len(self._active) > 1:  # take turns, because the budget may end before the last flow
            self._active.append(self._active.pop(0))
        self._report_timing()
        if not self._is_timing:
            self._workspace.pool.tick()
        if not self._active and not self._waiting:
            self._timer.stop()

    def _report_timing(self) -> None:
        """Announce whether requests are timed.

        Meanwhile other timers pause and this timer polls rarely, because a notifier reports the end of the block.
        """
        drivers = [running.driver for running in self._active if running.driver is not None]
        self._notifier.watch([one for driver in drivers for one in driver.waitables])
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
            self._report(running, lambda: self._report_end(running, driver))
        finally:
            driver.holding.end()

    @staticmethod
    def _report(running: Running, report: Callable[[], None]) -> None:
        """Empty the slot of an ended flow and call the callback, unless the flow was dropped."""
        if running.is_dropped:
            return
        if running.slot is not None:
            running.slot.running = None
        report()

    @staticmethod
    def _report_end(running: Running, driver: Driver[Any]) -> None:
        error = driver.error
        if error is None:
            running.on_done(driver.result)
        elif isinstance(error, FlowCancelled):
            running.on_cancelled()
        else:
            if not isinstance(error, (JobError, WorkerError)):
                logging.getLogger(__name__).error("a mistake of the program's own", exc_info=error)
            running.on_failed(error.error if isinstance(error, JobError) else words_for(error, TRY_AGAIN))
