"""Notify the window's thread that a worker process has sent a message, so that frequent polling is not needed."""

import sys
from collections.abc import Sequence

from PySide6.QtCore import QObject, QSocketNotifier, Signal

from app.jobs.process import Waitable

IS_SUPPORTED = sys.platform != "win32"
"""Windows supports no notifier for pipes, so that a timer must poll there."""


class PipeNotifier(QObject):
    """Notifier for the pipes of worker processes; owned by the `FlowRunner`.

    `readable` is emitted once after each `watch`, when one of the pipes is readable; never where it is not supported.
    """

    readable = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        """Create a notifier that watches nothing."""
        super().__init__(parent)
        self._notifiers: dict[int, QSocketNotifier] = {}
        self._is_watching = False

    def watch(self, waitables: Sequence[Waitable]) -> None:
        """Watch only these pipes from now on; an empty sequence stops watching. None of them may close meanwhile."""
        numbers = {one if isinstance(one, int) else one.fileno() for one in waitables} if IS_SUPPORTED else set()
        self._is_watching = bool(numbers)
        for number, notifier in self._notifiers.items():
            notifier.setEnabled(number in numbers)
        for number in numbers - self._notifiers.keys():
            notifier = self._notifiers[number] = QSocketNotifier(number, QSocketNotifier.Type.Read, self)
            notifier.activated.connect(self._on_activated)

    def _on_activated(self) -> None:
        if self._is_watching:  # another pipe may have reported already
            self.watch(())
            self.readable.emit()
