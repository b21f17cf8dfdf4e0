"""A program that lets files be dragged out of it: milliseconds to stay after the drop, then paths.

Says where it is; ends with 0 when the drop was taken.
"""

import sys

from PySide6.QtCore import QMimeData, Qt, QTimer, QUrl
from PySide6.QtGui import QDrag, QMouseEvent
from PySide6.QtWidgets import QApplication, QLabel


class Source(QLabel):
    def mousePressEvent(self, event: QMouseEvent) -> None:
        mime = QMimeData()
        urls = [QUrl.fromLocalFile(path) for path in sys.argv[2:]]
        mime.setUrls(urls)
        mime.setText("\n".join(url.toString() for url in urls))
        drag = QDrag(self)
        drag.setMimeData(mime)
        taken = drag.exec(Qt.DropAction.CopyAction)
        QTimer.singleShot(int(sys.argv[1]), lambda: QApplication.exit(0 if taken == Qt.DropAction.CopyAction else 1))


def main() -> int:
    app = QApplication(sys.argv[:1])
    label = Source("Files")
    label.setWindowFlags(Qt.WindowType.FramelessWindowHint | Qt.WindowType.WindowStaysOnTopHint)
    label.resize(80, 40)
    label.move(10, 600)
    label.show()

    def report() -> None:
        middle = label.mapToGlobal(label.rect().center())
        print(middle.x(), middle.y(), flush=True)  # noqa: T201

    QTimer.singleShot(400, report)
    return app.exec()


if __name__ == "__main__":
    raise SystemExit(main())
