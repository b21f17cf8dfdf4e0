"""The least that shows a graph: a bare window of Qt and pyqtgraph. It prints when it was first painted, and ends."""

import sys
import time
from pathlib import Path

import pyqtgraph as pg
from PySide6.QtCore import QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow


class Plot(pg.PlotWidget):
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
plot = Plot()
plot.plot([1.0, 2.0, 3.0], [2.0, 1.0, 2.0])
window.setCentralWidget(plot)
window.resize(1280, 800)
window.show()
app.exec()
