"""The least that shows a graph: a bare window of Qt and pyqtgraph, or of Qt alone (a second argument). It writes down
when it was first painted, and ends."""

import sys
import time
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

Base = QWidget
if len(sys.argv) < 3:
    import pyqtgraph as pg

    Base = pg.PlotWidget


class Shown(Base):
    was_painted = False

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.was_painted:
            self.was_painted = True
            QTimer.singleShot(0, self, self.report_painted)

    def report_painted(self) -> None:
        Path(sys.argv[1]).write_text(repr(time.monotonic()), encoding="utf-8")


app = QApplication(sys.argv)
window = QMainWindow()
shown = Shown()
if len(sys.argv) < 3:
    shown.plot([1.0, 2.0, 3.0], [2.0, 1.0, 2.0])
window.setCentralWidget(shown)
window.resize(1280, 800)
window.show()
app.exec()
