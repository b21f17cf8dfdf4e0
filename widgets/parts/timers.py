"""Create timers that fire once after a pause."""

from PySide6.QtCore import QObject, QTimer

from widgets.parts.buttons import Slot


def pause(parent: QObject, interval_ms: int, on: Slot) -> QTimer:
    """Return a timer, owned by `parent`, that calls `on` once after each start."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(interval_ms)
    timer.timeout.connect(on)
    return timer
