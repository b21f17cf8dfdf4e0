"""A program that lets files be dragged out of it, again and again.

For each line on stdin, a JSON list of paths, it shows itself and prints where it is, then whether the drop was taken. It
stays alive meanwhile: the receiver may still ask for the files after the drop.
"""

import json
import sys

from PySide6.QtCore import QMimeData, QSocketNotifier, Qt, QTimer, QUrl
from PySide6.QtGui import QDrag, QMouseEvent
from PySide6.QtWidgets import QApplication, QLabel


class Source(QLabel):
    """The place where a drag begins; one object holds the files of the present line."""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        mime = QMimeData()
        mime.setUrls(self.urls)
        mime.setText("\n".join(url.toString() for url in self.urls))
        drag = QDrag(self)
        drag.setMimeData(mime)
        taken = drag.exec(Qt.DropAction.CopyAction) == Qt.DropAction.CopyAction
        self.hide()
        print(json.dumps(taken), flush=True)  # noqa: T201

    def offer(self) -> None:
        """Show the files of the next line, or end after the last one."""
        if not (line := sys.stdin.readline()):
            QApplication.quit()
            return
        self.urls = [QUrl.fromLocalFile(path) for path in json.loads(line)]
        self.move(10, 600)
        self.show()
        QTimer.singleShot(400, self._report)

    def _report(self) -> None:
        middle = self.mapToGlobal(self.rect().center())
        print(json.dumps([middle.x(), middle.y()]), flush=True)  # noqa: T201


def main() -> int:
    app = QApplication(sys.argv)
    app.setQuitOnLastWindowClosed(False)
    label = Source("Files")
    label.setWindowFlags(Qt.WindowType.FramelessWindowHint | Qt.WindowType.WindowStaysOnTopHint)
    label.resize(80, 40)
    lines = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
    lines.activated.connect(label.offer)
    return app.exec()


if __name__ == "__main__":
    raise SystemExit(main())
