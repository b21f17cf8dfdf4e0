"""Ticks every 2 ms in an event loop that has nothing else to do, until its input ends; then prints all ticks."""

import json
import sys
import threading
import time

from PySide6.QtCore import QCoreApplication, Qt, QTimer


def main() -> int:
    app = QCoreApplication(sys.argv)
    ticks: list[float] = []
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setInterval(2)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.start()
    ended = threading.Event()
    reader = threading.Thread(target=lambda: (sys.stdin.read(), ended.set()))
    reader.start()
    stop = QTimer()
    stop.setInterval(200)
    stop.timeout.connect(lambda: app.quit() if ended.is_set() else None)
    stop.start()
    app.exec()
    reader.join()
    print(json.dumps(ticks))  # noqa: T201 - the answer
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
