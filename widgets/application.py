"""Extend Qt's application object by the files that macOS hands over."""

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication


class WindowApplication(QApplication):
    """The application object of the window, owned by the composition root; `file_opened(path)` asks to open a file.

    macOS sends an event for each file that is dropped on the icon or opened with the program. Other systems start the
    program again with the files as arguments.
    """

    file_opened = Signal(str)

    def event(self, event: QEvent) -> bool:
        """Emit `file_opened` for a file from the system."""
        if isinstance(event, QFileOpenEvent) and event.file():
            self.file_opened.emit(event.file())
            return True
        return super().event(event)
