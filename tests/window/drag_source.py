"""A program that lets files be dragged out of it, again and again.

For each line on stdin, a JSON list of paths, it shows itself and prints where it is, then that the receiver accepts the
files, then whether they were taken. It stays alive: the receiver may still ask for the files after the drop.
"""

import json
import sys

from PySide6.QtCore import QMimeData, QSocketNotifier, Qt, QTimer, QUrl
from PySide6.QtGui import QDrag, QMouseEvent
from PySide6.QtWidgets import QApplication, QLabel


class Source(QLabel):
    """The area where a drag begins. It offers the files of the line that was read last."""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        mime = QMimeData()
        mime.setUrls(self.urls)
        mime.setText("\n".join(url.toString() for url in self.urls))
        drag = QDrag(self)
        drag.setMimeData(mime)
        drag.actionChanged.connect(self._accepted)
        taken = drag.exec(Qt.DropAction.CopyAction) == Qt.DropAction.CopyAction
        self.hide()
        self._say("taken" if taken else "refused")

    def _accepted(self, action: Qt.DropAction) -> None:
        if action == Qt.DropAction.CopyAction and not self.is_accepted:
            self.is_accepted = True
            self._say("accepted")

    def offer(self) -> None:
        """Show the files of the next line, or end after the last one."""
        if not (line := sys.stdin.readline()):
            QApplication.quit()
            return
        self.is_accepted = False
        self.urls = [QUrl.fromLocalFile(path) for path in json.loads(line)]
        self.move(10, 600)
        self.show()
        QTimer.singleShot(400, self._report)

    def _report(self) -> None:
        middle = self.mapToGlobal(self.rect().center())
        self._say([middle.x(), middle.y()])

    @staticmethod
    def _say(words: object) -> None:
        print(json.dumps(words), flush=True)  # noqa: T201


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
