"""Files from outside: is it a model or data, which comes first, what cannot be taken."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.controllers.session import Session
from app.controllers.words import tr
from app.services.sniffing import kind_of
from widgets.dialogs.questions import kind_question
from widgets.main_window import MainWindow
from widgets.parts.error_card import ErrorValue
from widgets.theme import Theme

MOST = 2
"""A model and its data; more at once is a selection of loose files."""


class Incoming(QObject):
    """`model_given(path)` and `data_given(path)`; data that come before a model wait for it."""

    model_given = Signal(str)
    data_given = Signal(str)

    def __init__(self, window: MainWindow, theme: Theme, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._window, self._theme, self._session = window, theme, session
        self._waiting = ""
        window.links_dropped.connect(lambda _links: window.banner(_not_fetched()))

    def take(self, paths: list[str]) -> None:
        """Models first, whatever the order in which they came."""
        self._window.banner(None)
        if len(paths) > MOST:
            self._window.banner(_too_many(len(paths)))
            return
        kinds = [(path, kind_of(Path(path))) for path in paths]
        for path, kind in sorted(kinds, key=lambda known: known[1] == "data"):
            if kind == "both":
                self._ask(path)
            else:
                self._give(path, kind)

    def take_waiting(self) -> str:
        """Data that were dropped before there was a model; "" for none."""
        waiting, self._waiting = self._waiting, ""
        return waiting

    def _ask(self, path: str) -> None:
        dialog = kind_question(self._theme, self._window, Path(path).name)
        dialog.answered.connect(lambda answer: self._give(path, answer) if answer else None)
        dialog.open()

    def _give(self, path: str, kind: str) -> None:
        if kind == "model":
            self.model_given.emit(path)
        elif self._session.model is None or self._session.is_opening:
            self._waiting = path
            if not self._session.is_opening:
                self._window.show_page("model")
                self._window.banner(_model_first(Path(path).name))
        else:
            self.data_given.emit(path)


def _model_first(name: str) -> ErrorValue:
    return ErrorValue(
        title=tr("These are examples; a model is needed first"),
        happened=tr("“{0}” looks like examples to test a model with.").format(name),
        is_safe=tr("Yes. Nothing was changed."),
        next_step=tr("Drop your model now; “{0}” is read right after it.").format(name),
        tone="warn",
        icon="info",
    )


def _too_many(count: int) -> ErrorValue:
    return ErrorValue(
        title=tr("{0} things at once are too many").format(count),
        happened=tr("Fettle takes one model, and one folder or file of examples."),
        is_safe=tr("Yes. Nothing was changed."),
        next_step=tr("Put loose files into one folder and drop that."),
        tone="warn",
        icon="warning",
    )


def _not_fetched() -> ErrorValue:
    return ErrorValue(
        title=tr("That is an address, not a file"),
        happened=tr("Fettle does not fetch anything from the internet by itself."),
        is_safe=tr("Yes. Nothing was fetched and nothing was changed."),
        next_step=tr("Download the file with your browser, then drop it here."),
        tone="warn",
        icon="warning",
    )
