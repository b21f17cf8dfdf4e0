"""Make the timers of pages and controllers."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, SignalInstance

Called = Callable[..., object] | SignalInstance


def every(parent: QObject | None, interval_ms: int, on: Called) -> QTimer:
    """Return a timer, owned by `parent`, that calls `on` again and again after its start."""
    timer = QTimer(parent, interval=interval_ms)
    timer.timeout.connect(on)
    return timer


def pause(parent: QObject, interval_ms: int, on: Called) -> QTimer:
    """Return a timer, owned by `parent`, that calls `on` once after each start."""
    timer = every(parent, interval_ms, on)
    timer.setSingleShot(True)
    return timer
