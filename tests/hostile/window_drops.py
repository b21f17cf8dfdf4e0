"""The real window in its own process: files are dropped on it one after the other, while a heartbeat listens.

    python window_drops.py DATA_FOLDER FILES.json OUT.json

FILES.json: a list of addresses (file:///…), each for a new project; an object with `address`, `page` and `press` is for
the project "p1" of DATA_FOLDER, on that page, and names the button of the question that is pressed. OUT.json: for each what the page shows then, what it says, the
longest time in which the window did not answer (on the wall, and of the processor's time: the rest of it others had),
and how long it took.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QPushButton

from app import bootstrap
from app.instance import InstanceLock
from app.paths import DataPaths
from app.settings import Settings, save_settings

BEAT_MS = 5
SETTLED_S, SETTLED_BEATS = 0.15, 10
"""What a drop begins comes with one of the next turns of the loop; where others work, a turn may take longer than the wait."""
LIMIT_S = 150.0


class Visitor(QObject):
    """Drops, waits until the window is still, notes, drops the next."""

    def __init__(self, live: bootstrap.Application, window: Any, addresses: list[Any], out: Path) -> None:
        super().__init__()
        self._live, self._window, self._addresses, self._out = live, window, addresses, out
        self._rows: list[dict[str, Any]] = []
        self._last, self._last_cpu = time.monotonic(), time.thread_time()
        self._gap = self._cpu_gap = 0.0
        self._began = self._still = self._last
        self._at, self._quiet_beats = -1, 0
        self._press = ""
        self._is_dropped = True
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._on_beat)
        self._timer.start()

    def _on_beat(self) -> None:
        now, cpu = time.monotonic(), time.thread_time()
        self._gap = max(self._gap, now - self._last - BEAT_MS / 1000)
        self._cpu_gap = max(self._cpu_gap, cpu - self._last_cpu)
        self._last, self._last_cpu = now, cpu
        self._quiet_beats += 1
        if self._is_busy() and now - self._began < LIMIT_S:
            self._still, self._quiet_beats = now, 0
        elif now - self._still > SETTLED_S and self._quiet_beats > SETTLED_BEATS:
            self._conclude(now)
            self._last = self._began = self._still = time.monotonic()
            self._last_cpu = time.thread_time()
            self._gap = self._cpu_gap = 0.0

    def _is_busy(self) -> bool:
        app_controller = self._live.app_controller
        if app_controller is None or not self._is_dropped or any(flow.title for flow in app_controller.flows.active):
            return True
        return self._at < 0 and bool(app_controller.flows.active)  # the first look at the machine

    def _conclude(self, now: float) -> None:
        if self._press:
            self._answer(self._press)
            self._press = ""
            return
        if self._at >= 0:
            page = self._window.page(self._window.current_page)
            words = [label.text() for label in self._window.findChildren(QLabel) if label.isVisible()]
            dialogs = [dialog for dialog in QApplication.topLevelWidgets() if self._is_open(dialog)]
            row = {"page": self._window.current_page, "state": page.state, "words": words, "dialogs": len(dialogs)}
            gaps = {"gap_ms": self._gap * 1000, "cpu_gap_ms": self._cpu_gap * 1000}
            self._rows.append({**row, **gaps, "seconds": now - self._began})
            for dialog in dialogs:
                dialog.reject()
        self._at += 1
        if self._at == len(self._addresses):
            self._out.write_text(json.dumps(self._rows), encoding="utf-8")
            self._window.close_now()
            QCoreApplication.quit()
            return
        app_controller = self._live.app_controller
        assert app_controller is not None
        address = self._addresses[self._at]
        if isinstance(address, dict):
            self._window.show_page(address["page"])
            address, self._press = address["address"], address["press"]
        else:
            app_controller._session.new_project()
        self._is_dropped = False
        QTimer.singleShot(0, lambda: self._drop(address))

    def _answer(self, name: str) -> None:
        """Click the button of the question that is open."""
        (button,) = [one for one in self._window.findChildren(QPushButton, f"answer-{name}") if one.isVisible()]
        button.click()

    @staticmethod
    def _is_open(widget: Any) -> bool:
        return isinstance(widget, QDialog) and widget.isVisible()

    def _drop(self, address: str) -> None:
        """As the window system sends it."""
        self._is_dropped, self._quiet_beats = True, 0
        mime = QMimeData()
        mime.setData("text/uri-list", f"{address}\r\n".encode("ascii"))
        handle, at = self._window.windowHandle(), QPoint(600, 300)
        buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        copy = Qt.DropAction.CopyAction
        QCoreApplication.sendEvent(handle, QDragEnterEvent(at, copy, mime, buttons, keys))
        QCoreApplication.sendEvent(handle, QDropEvent(QPointF(at), copy, mime, buttons, keys))


def main(home: Path, files: Path, out: Path) -> int:
    paths = DataPaths(home)
    lock = InstanceLock.take(paths, "window", "a test's window")
    app = QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)
    window, _theme = bootstrap.build_window(app, Settings())
    window.show_page("model")
    addresses = json.loads(files.read_text(encoding="ascii"))
    settings = Settings(last_project_id="p1" if any(isinstance(one, dict) for one in addresses) else "")
    save_settings(paths.settings, settings)
    live = bootstrap.Application(app, window, paths, lock, [])
    window.first_painted.connect(lambda: QTimer.singleShot(0, live.begin))
    window.show()
    visitor = Visitor(live, window, addresses, out)
    with lock:
        code = app.exec()
        visitor.deleteLater()
        if live.app_controller is not None:
            live.app_controller.flows.interrupt_all()
        live.end()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return code


if __name__ == "__main__":
    raise SystemExit(main(*(Path(argument) for argument in sys.argv[1:])))
