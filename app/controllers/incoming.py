"""Sort files that come from outside into models and data, and refuse what cannot be opened."""

from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject

from app.controllers.commands import ADD_DATA, OPEN_MODEL, READ_DATA, READ_LOG
from app.controllers.session import Session
from app.controllers.words import notice
from app.services.opening.sniffing import is_log, seen_kind
from widgets.dialogs.incoming_questions import new_data_question, which_question
from widgets.dialogs.questions import ask, kind_question
from widgets.main_window import MainWindow
from widgets.parts.cards.error import ErrorValue
from widgets.theme import Theme
from workers.contracts.paths import from_text
from workers.contracts.translation import _

KINDS: tuple[Literal["model", "data"], ...] = ("model", "data")
MOST = 2
"""Most files at once: a model and its data. More files are a selection of loose files."""


class Incoming(QObject):
    """The sorter of incoming files, owned by the window's controller; it runs the commands that open models and data.

    Data that arrive before a model wait for it.
    """

    def __init__(self, window: MainWindow, theme: Theme, session: Session, parent: QObject) -> None:
        """Create a sorter for files of `window`."""
        super().__init__(parent)
        self._window, self._theme, self._session = window, theme, session
        self._waiting, self._commands = "", window.commands
        window.links_dropped.connect(lambda _links: window.banner(_not_fetched()))

    def take(self, paths: list[str]) -> None:
        """Sort the files and pass models on first, in any order of arrival."""
        self._window.banner(None)
        if len(paths) == 1 and is_log(from_text(paths[0])):
            self._commands.do(READ_LOG, paths[0])
            return
        if len(paths) > MOST:
            self._window.banner(_too_many(len(paths)))
            return
        self._settle([(path, self._kind_of(path)) for path in dict.fromkeys(paths)])

    def _kind_of(self, path: str) -> str:
        """Return the kind of a file by its name; the shown page decides if the name does not."""
        is_for_data = self._window.current_page == "data" and self._session.model is not None
        return seen_kind(from_text(path)) or ("data" if is_for_data else "model")

    def take_waiting(self) -> str:
        """Return the path of data that were dropped before a model, "" for none, and forget it."""
        waiting, self._waiting = self._waiting, ""
        return waiting

    def _settle(self, kinds: list[tuple[str, str]]) -> None:
        """Ask the user until at most one model and one data set remain, then pass them on."""
        unclear = next((path for path, kind in kinds if kind == "both"), None)
        if unclear is not None:
            self._ask_kind(unclear, [known for known in kinds if known[0] != unclear])
            return
        for kind in KINDS:
            same = [path for path, known in kinds if known == kind]
            if len(same) > 1:
                self._ask_which(kind, same, [known for known in kinds if known[1] != kind])
                return
        for path, known in sorted(kinds, key=lambda item: item[1] == "data"):
            self._give(path, known)

    def _ask_kind(self, path: str, rest: list[tuple[str, str]]) -> None:
        dialog = kind_question(self._theme, self._window, Path(path).name)
        dialog.answered.connect(lambda answer: self._settle([*rest, (path, answer)] if answer else rest))
        dialog.open()

    def _ask_which(self, kind: Literal["model", "data"], same: list[str], rest: list[tuple[str, str]]) -> None:
        """Ask which of several files to use; after a cancellation none of the dropped files is used."""
        dialog = which_question(self._theme, self._window, kind, same)
        dialog.answered.connect(lambda answer: self._settle([*rest, (same[int(answer)], kind)]) if answer else None)
        dialog.open()

    def _give(self, path: str, kind: str) -> None:
        if kind == "model":
            self._commands.do(OPEN_MODEL, path)
        elif self._session.model is None or self._session.is_opening:
            self._waiting = path
            if not self._session.is_opening:
                self._window.show_page(self._window.first_page)
                self._window.banner(_model_first(Path(path).name))
        else:
            self._use_data(path)

    def _use_data(self, path: str) -> None:
        """Use the examples; ask first if the result uses the user's own examples and the page Data is not shown."""
        requested, run = self._session.data_params, self._session.run
        if run is None or requested is None or not requested.path or self._window.current_page == "data":
            self._commands.do(READ_DATA, path)
            return
        ask(
            new_data_question(self._theme, self._window, Path(path).name, Path(requested.path).name),
            add=lambda: self._commands.do(ADD_DATA, path),
            replace=lambda: self._commands.do(READ_DATA, path),
        )


def _model_first(name: str) -> ErrorValue:
    return notice(
        _("These are examples, but a model is needed first"),
        _("“{0}” looks like examples to test a model with.").format(name),
        _("Drop your model now; “{0}” is read right after it.").format(name),
        icon="info",
    )


def _too_many(count: int) -> ErrorValue:
    return notice(
        _("{0} items at once are too many").format(count),
        _("Fettle takes one model, and one folder or file of examples."),
        _("Put loose files into one folder and drop that."),
    )


def _not_fetched() -> ErrorValue:
    return notice(
        _("This is an address, not a file"),
        _("Fettle does not fetch anything from the internet by itself."),
        _("Download the file with your browser, then drop it here."),
        is_safe=_("Yes. Nothing was fetched and nothing was changed."),
    )
