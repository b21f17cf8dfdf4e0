"""Examples that come while there is a result: for it, or for the next run? Asked, never decided silently."""

from pathlib import PurePath

from PySide6.QtCore import QObject, Signal

from app.controllers.session import Session
from widgets.dialogs.incoming_questions import new_data_question
from widgets.main_window import MainWindow
from widgets.theme import Theme


class NewData(QObject):
    """`use_wanted(path)`: read them instead of the others; `add_wanted(path)`: judge the result with them."""

    use_wanted = Signal(str)
    add_wanted = Signal(str)

    def __init__(self, window: MainWindow, theme: Theme, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._window, self._theme, self._session = window, theme, session

    def take(self, path: str) -> None:
        """Ask where a result rests on the person's own examples; on the page Data a drop says what it is for."""
        asked, run = self._session.asked_data, self._session.run
        if run is None or asked is None or not asked.path or self._window.current_page == "data":
            self.use_wanted.emit(path)
            return
        dialog = new_data_question(self._theme, self._window, PurePath(path).name, PurePath(asked.path).name)
        dialog.answered.connect(lambda answer: self._on_answered(path, answer))
        dialog.open()

    def _on_answered(self, path: str, answer: str) -> None:
        if answer == "add":
            self.add_wanted.emit(path)
        elif answer == "replace":
            self.use_wanted.emit(path)
