"""Draw all graphs from one timer, one graph per tick in turn, at the frame rate that the current job allows."""

import time
from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject, Qt, QTimer

IDLE_FPS, JOB_FPS, MEASURING_FPS, CALM_FPS = 60, 30, 5, 1
_IDLE_TICKS = 120


class Drawable(Protocol):
    """A graph that the clock draws; `is_due` is cheap and called often, `draw` may take some milliseconds."""

    def is_due(self, now_s: float, measuring: bool) -> bool:
        """Return whether the graph has anything new to draw."""
        ...

    def draw(self, now_s: float) -> None:
        """Draw the graph as of `now_s`."""
        ...


class FrameClock(QObject):
    """The clock of all graphs, owned by the window; it sleeps while no graph has news, until a graph calls `wake`.

    Each graph is drawn at most 60 times a second, 30 while a job runs, and 5 while something is measured. Nothing is
    drawn while a block of requests is timed, because drawing would disturb it.
    """

    def __init__(self, parent: QObject | None = None, now_s: Callable[[], float] = time.monotonic) -> None:
        """Create a clock without graphs; `now_s` returns monotonic seconds."""
        super().__init__(parent)
        self.now_s = now_s
        self._graphs: list[Drawable] = []
        self._next = 0
        self._unused_ticks = 0
        self._job = self._measuring = self._timing = self._is_calm = False
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_tick)

    @property
    def fps(self) -> int:
        """Return the frames per second that each graph may draw now."""
        usual = MEASURING_FPS if self._measuring else JOB_FPS if self._job else IDLE_FPS
        return CALM_FPS if self._is_calm else usual

    @property
    def is_awake(self) -> bool:
        """Return whether the timer runs."""
        return self._timer.isActive()

    def add(self, graph: Drawable) -> None:
        """Draw `graph` from now on, whenever it is due."""
        self._graphs.append(graph)
        self._retime()

    def remove(self, graph: Drawable) -> None:
        """Stop drawing `graph`."""
        self._graphs.remove(graph)
        self._retime()

    def set_job(self, running: bool) -> None:
        """Set whether a job runs."""
        self._job = running
        self._retime()

    def set_measuring(self, measuring: bool) -> None:
        """Set whether a measurement runs."""
        self._measuring = measuring
        self._retime()

    def set_calm(self, is_calm: bool) -> None:
        """Set whether graphs jump once a second instead of moving, for a person who asked for less movement."""
        self._is_calm = is_calm
        self._retime()

    def set_timing(self, timing: bool) -> None:
        """Set whether requests are timed; nothing is drawn meanwhile, and the news is drawn afterwards."""
        self._timing = timing
        if timing:
            self._timer.stop()
        else:
            self.wake()

    def wake(self) -> None:
        """Start the timer, because a graph may be due."""
        self._unused_ticks = 0
        if self._graphs and not self._timing and not self._timer.isActive():
            self._timer.start()

    def _retime(self) -> None:
        self._timer.setInterval(max(4, 1000 // (self.fps * max(1, len(self._graphs)))))

    def _on_tick(self) -> None:
        if not self._graphs:
            self._timer.stop()
            return
        self._next = (self._next + 1) % len(self._graphs)
        graph, now_s = self._graphs[self._next], self.now_s()
        if graph.is_due(now_s, self._measuring):
            self._unused_ticks = 0
            graph.draw(now_s)
            return
        self._unused_ticks += 1
        if self._unused_ticks > _IDLE_TICKS:
            self._timer.stop()
