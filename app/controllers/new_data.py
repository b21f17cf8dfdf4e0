"""Ask whether new examples replace the data or extend the result, if there is a result."""

from pathlib import PurePath

from PySide6.QtCore import QObject, Signal

from app.controllers.session import Session
from widgets.dialogs.incoming_questions import new_data_question
from widgets.main_window import MainWindow
from widgets.theme import Theme


class NewData(QObject):
    """The question about new examples, owned by the window's controller.

    `use_wanted(path)` means that they replace the other examples. `add_wanted(path)` means that the result is judged
    with them as well.
    """

    use_wanted = Signal(str)
    add_wanted = Signal(str)

    def __init__(self, window: MainWindow, theme: Theme, session: Session, parent: QObject) -> None:
        """Create the question for `window`."""
        super().__init__(parent)
        self._window, self._theme, self._session = window, theme, session

    def take(self, path: str) -> None:
        """Use the examples; ask first if the result uses the user's own examples and the page Data is not shown."""
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
