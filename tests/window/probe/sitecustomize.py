"""Put on PYTHONPATH by the tests of the window: on SIGUSR1 the program writes down what can be seen of it.

It also keeps a list of windows that became visible without a parent. With FETTLE_TEST_GAPS it notes the gaps of the
event loop instead, while every graph is drawn as often as the clock allows; with FETTLE_TEST_PAINTED when the window
was first painted. It does nothing in any process but `python -m app`.
"""

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import signal
import sys
import time
import weakref
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

ALLOWED_WINDOWS = (
    "MainWindow",
    "QuestionDialog",
    "AddressDialog",
    "PhoneDialog",
    "ShapeDialog",
    "MatchDialog",
    "QFileDialog",
    "QMenu",
    "QTipLabel",
)
WATCHED = {"app.first_look": "frame_window", "app.bootstrap": "build_window"}
FOUND: set[str] = set()
STRAYS: list[str] = []
RINGS: "list[weakref.ref[_Ring]]" = []


class _Loader(importlib.abc.Loader):
    """Loads a module as it is, then looks over its shoulder."""

    def __init__(self, inner: importlib.abc.Loader) -> None:
        self._inner = inner

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._inner.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._inner.exec_module(module)
        name = WATCHED[module.__name__]
        make = getattr(module, name)

        def watched(app: Any, *args: Any, **more: Any) -> Any:
            if "FETTLE_TEST_PAINTED" not in os.environ and app.property("fettle_test_watched") is None:
                app.setProperty("fettle_test_watched", True)
                _watch(app)
            made = make(app, *args, **more)
            if "FETTLE_TEST_PAINTED" in os.environ and name == "frame_window":
                _report(made[0])
            return made

        setattr(module, name, watched)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name not in WATCHED or name in FOUND:
            return None
        FOUND.add(name)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


def _report(window: Any) -> None:
    """Write down when the window was first painted, and when its parts had taken the frame's place."""
    replace = window.replace_frame

    def write(suffix: str) -> None:
        Path(os.environ["FETTLE_TEST_PAINTED"] + suffix).write_text(repr(time.monotonic()), encoding="utf-8")

    def replace_frame() -> None:
        from PySide6.QtCore import QTimer

        replace()
        QTimer.singleShot(0, lambda: write(".parts"))

    window.first_painted.connect(lambda: write(""))
    window.replace_frame = replace_frame


def _watch(app: Any) -> None:
    from PySide6.QtCore import QEvent, QObject
    from PySide6.QtWidgets import QWidget

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
                name = type(watched).__name__
                if name not in ALLOWED_WINDOWS and watched.windowType() != watched.windowType().Popup:
                    STRAYS.append(f"{name} {watched.accessibleName()!r}")
            return False

    if "FETTLE_TEST_GAPS" in os.environ:
        _time_the_loop(app)
    else:
        watch = Watch(app)
        app.installEventFilter(watch)
        app.setProperty("fettle_test_watch", watch)
    signal.signal(signal.SIGUSR1, _on_signal)
    Path(os.environ["FETTLE_TEST_PROBE"] + ".ready").touch()


def _time_the_loop(app: Any) -> None:
    """Ticks every 2 ms: what lies between two of them is how long the window could not answer. Beside each is the
    processor time that the window's thread has used by then, which other programs do not change."""
    from PySide6.QtCore import Qt, QTimer

    from widgets.plots import latency_plot, strip_plot

    ticks: list[tuple[float, float]] = []
    frames: list[tuple[float, str, bool]] = []
    timer = QTimer(app)
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setInterval(2)
    timer.timeout.connect(lambda: ticks.append((time.perf_counter(), time.thread_time())))
    timer.start()
    for kind in (latency_plot.LatencyPlot, strip_plot.StripPlot):
        _count_frames(kind, frames)

    def write(_number: int, _frame: FrameType | None) -> None:
        report = {"ticks": [at for at, _ in ticks], "used": [used for _, used in ticks], "frames": frames}
        partial = Path(os.environ["FETTLE_TEST_GAPS"] + ".part")
        partial.write_text(json.dumps(report), encoding="utf-8")
        partial.replace(os.environ["FETTLE_TEST_GAPS"])

    signal.signal(signal.SIGUSR2, write)


def _count_frames(kind: Any, frames: list[tuple[float, str, bool]]) -> None:
    draw = kind.draw

    def counted(self: Any, now_s: float) -> None:
        frames.append((time.perf_counter(), f"{kind.__name__} {id(self)}", self._clock._measuring))
        draw(self, now_s)

    def is_due(self: Any, _now_s: float, _measuring: bool) -> bool:
        return self._canvas is not None and self.isVisible()  # as often as the clock allows

    kind.draw, kind.is_due = counted, is_due


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    """Look from the event loop: here something may be half made."""
    from PySide6.QtCore import QTimer

    QTimer.singleShot(0, _write)


def _write() -> None:
    out = Path(os.environ["FETTLE_TEST_PROBE"])
    partial = out.with_suffix(".part")
    partial.write_text(json.dumps(_look()), encoding="utf-8")
    partial.replace(out)


def _look() -> dict[str, Any]:
    from PySide6.QtWidgets import QApplication

    windows = [window for window in QApplication.topLevelWidgets() if window.isVisible()]
    modal = QApplication.activeModalWidget()
    found = [row for window in windows for row in _rows(window)]
    main = next((window for window in windows if type(window).__name__ == "MainWindow"), None)
    return {
        "page": main.current_page if main is not None else "",
        "state": getattr(main.page(main.current_page), "state", "") if main is not None and main.current_page else "",
        "modal": modal.windowTitle() if modal is not None else "",
        "strays": STRAYS,
        "garbage": _garbage(),
        "widgets": found,
    }


class _Ring:
    """Refers to itself, so that only the garbage collector ends it."""

    def __init__(self) -> None:
        self.itself = self


def _garbage() -> dict[str, bool]:
    """Whether Python collects whenever it likes, and whether what the last look left behind has been collected."""
    collected = bool(RINGS) and not any(ring() for ring in RINGS)
    RINGS[:] = [weakref.ref(_Ring()) for _ in range(1000)]  # more than 700 are new, so that it is worth a look
    return {"automatic": gc.isenabled(), "collected": collected}


def _rows(window: Any) -> list[dict[str, Any]]:
    from PySide6.QtCore import QPoint, QRect
    from PySide6.QtGui import QAccessible
    from PySide6.QtWidgets import QApplication, QWidget

    rows = []
    for widget in [window, *window.findChildren(QWidget)]:
        if not widget.isVisible():
            continue
        region = widget.visibleRegion().boundingRect()
        corner = widget.mapToGlobal(QPoint(0, 0))
        seen = QRect(corner + region.topLeft(), region.size())
        face = QAccessible.queryAccessibleInterface(widget)
        text = widget.text() if hasattr(widget, "text") and callable(widget.text) else _cells(widget)
        rows.append(
            {
                "kind": type(widget).__name__,
                "name": widget.accessibleName() or (face.text(QAccessible.Text.Name) if face is not None else ""),
                "object": widget.objectName(),
                "text": str(text),
                "rect": [corner.x(), corner.y(), widget.width(), widget.height()],
                "seen": [seen.x(), seen.y(), seen.width(), seen.height()],
                "enabled": widget.isEnabled(),
                "focus": widget is QApplication.focusWidget(),
                "window": type(widget.window()).__name__,
                "checked": bool(widget.isChecked()) if hasattr(widget, "isChecked") else False,
            }
        )
    return rows


def _cells(widget: Any) -> str:
    """All that is in a table, row by row."""
    from PySide6.QtWidgets import QTableView

    if not isinstance(widget, QTableView) or widget.model() is None:
        return ""
    model = widget.model()
    rows = ([model.index(r, c).data() or "" for c in range(model.columnCount())] for r in range(model.rowCount()))
    return "\n".join(" | ".join(str(cell) for cell in row) for row in rows)


if "FETTLE_TEST_PROBE" in os.environ and ["-m", "app"] in (sys.orig_argv[1:3], sys.orig_argv[2:4]):
    sys.meta_path.insert(0, _Finder())
