"""Wait on the page Compare until other programs leave the computer idle."""

from PySide6.QtCore import QObject, Signal

from app.services.flow.quiet import LOOK_S, QuietBudget, QuietWait, Waiting
from widgets.timers import every

MOST_S = 12 * 3600.0
"""Longest wait in seconds: one night. After that the user has probably forgotten it."""


class IdleWait(QObject):
    """The wait for an idle computer, checked once a second and owned by the page's controller; emits `became_idle`."""

    became_idle = Signal()

    def __init__(self, parent: QObject) -> None:
        """Create a wait that has not started."""
        super().__init__(parent)
        self._waiting: Waiting | None = None
        self._timer = every(self, round(1000 * LOOK_S), self._on_tick)

    def start(self) -> None:
        """Start to check whether the computer is idle."""
        self._waiting = Waiting(QuietWait(QuietBudget(MOST_S), MOST_S))
        self._timer.start()

    def stop(self) -> None:
        """Stop checking whether the computer is idle."""
        self._waiting = None
        self._timer.stop()

    def _on_tick(self) -> None:
        waiting = self._waiting
        if waiting is None or waiting.tick():
            return
        is_idle = waiting.left_s > 0
        self.stop()
        if is_idle:
            self.became_idle.emit()
