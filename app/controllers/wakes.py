"""Tells in the window's thread that a worker has said something, so that nobody has to look often."""

import sys
from collections.abc import Sequence

from PySide6.QtCore import QObject, QSocketNotifier, Signal

from app.jobs.process import Waitable

IS_OFFERED = sys.platform != "win32"
"""On Windows a pipe is no socket, and who looks by a timer has to do."""


class Wakes(QObject):
    """`came` once after each `watch`, as soon as one of what it was given is ready; never where it is not offered."""

    came = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._notifiers: dict[int, QSocketNotifier] = {}
        self._is_watching = False

    def watch(self, waitables: Sequence[Waitable]) -> None:
        """Look at these alone from now on; at nothing where there are none. None of them may be closed meanwhile."""
        numbers = {one if isinstance(one, int) else one.fileno() for one in waitables} if IS_OFFERED else set()
        self._is_watching = bool(numbers)
        for number, notifier in self._notifiers.items():
            notifier.setEnabled(number in numbers)
        for number in numbers - self._notifiers.keys():
            notifier = self._notifiers[number] = QSocketNotifier(number, QSocketNotifier.Type.Read, self)
            notifier.activated.connect(self._on_activated)

    def _on_activated(self) -> None:
        if self._is_watching:  # another one may have told it already
            self.watch(())
            self.came.emit()
