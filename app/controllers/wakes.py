"""Tells in the window's thread that a worker has said something, so that nobody has to look often."""

import sys
from collections.abc import Sequence

from PySide6.QtCore import QObject, QSocketNotifier, Signal

from app.jobs.process import Waitable


class Wakes(QObject):
    """`came` once after each `watch`, as soon as one of what it was given is ready.

    On Windows never: a pipe is no socket there, and who looks by a timer has to do.
    """

    came = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._notifiers: list[QSocketNotifier] = []

    def watch(self, waitables: Sequence[Waitable]) -> None:
        """Look at these alone from now on; at nothing where there are none. None of them may be closed meanwhile."""
        for notifier in self._notifiers:
            notifier.setEnabled(False)
            notifier.deleteLater()
        self._notifiers = []
        if sys.platform == "win32":
            return
        for waitable in waitables:
            number = waitable if isinstance(waitable, int) else waitable.fileno()
            notifier = QSocketNotifier(number, QSocketNotifier.Type.Read, self)
            notifier.activated.connect(self._on_activated)
            self._notifiers.append(notifier)

    def _on_activated(self) -> None:
        if self._notifiers:  # another one may have told it already
            self.watch(())
            self.came.emit()
