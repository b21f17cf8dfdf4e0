"""Declare what the user can do: a command has one id, title and shortcut, and menus, keys and controllers run it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from workers.contracts.translation import _, mark

if TYPE_CHECKING:
    from workers.contracts.error_info import ErrorInfo

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True)
class Command(Generic[P, R_co]):
    """A command that takes the arguments `P` and returns `R_co`.

    `id` shows in words what the command does. `title` is its text in menus. `shortcut` are its keys; "" means none.
    """

    id: str
    title: str = ""
    shortcut: str | QKeySequence.StandardKey = ""


SHOW_PAGE: Command[[str], None] = Command("show a page: its id")
OPEN_PROJECT: Command[[str], bool] = Command("show a project: its id; False where its model must be opened first")
PASTE: Command[[], None] = Command("take what was copied", shortcut=QKeySequence.StandardKey.Paste)
CHOOSE_FILES: Command[[], None] = Command("choose files for the page", shortcut=QKeySequence.StandardKey.Open)
NEW_PROJECT: Command[[], None] = Command("begin with nothing", mark("New project"), "Ctrl+N")
RENAME_PROJECT: Command[[], None] = Command("rename the open project", mark("Rename… (F2)"), "F2")
DELETE_PROJECT: Command[[], None] = Command("delete the open project", mark("Delete…"))
REPORT_PROBLEM: "Command[[ErrorInfo | None, Sequence[str]], None]" = Command("report an error: it, private names")
CLOSE_WINDOW: Command[[], object] = Command("close the window", shortcut="Ctrl+Q")
BY_KEYS = (PASTE, CHOOSE_FILES, NEW_PROJECT, RENAME_PROJECT, CLOSE_WINDOW)


class Commands:
    """The handlers of all commands; each command has exactly one. Owned by the window."""

    def __init__(self) -> None:
        """Create an empty table of handlers."""
        self._handlers: dict[str, tuple[Callable[..., Any], Callable[[], bool]]] = {}

    def offer(self, command: Command[P, R], act: Callable[P, R], is_enabled: Callable[[], bool] = lambda: True) -> None:
        """Register `act` as the handler of a command; menus and keys run it only while `is_enabled()` is true.

        Raises:
            ValueError: if the command has a handler already.
        """
        if command.id in self._handlers:
            raise ValueError(f"two do the command “{command.id}”")
        self._handlers[command.id] = act, is_enabled

    def do(self, command: Command[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a command now and return its result.

        Raises:
            LookupError: if the command has no handler.
        """
        if command.id not in self._handlers:
            raise LookupError(f"nobody does the command “{command.id}”")
        done: R = self._handlers[command.id][0](*args, **kwargs)
        return done

    def to(self, command: Command[P, R]) -> Callable[P, R]:
        """Return a function that runs the command, to connect signals to."""

        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            return self.do(command, *args, **kwargs)

        return run

    def trigger(self, command: Command[[], object]) -> None:
        """Run a command from a menu or by its keys; does nothing while it is disabled or has no handler yet."""
        handler = self._handlers.get(command.id)
        if handler is not None and handler[1]():
            self.do(command)

    def add_to(self, menu: QMenu, command: Command[[], object]) -> None:
        """Append the entry of a command to a menu."""
        menu.addAction(_(command.title)).triggered.connect(lambda: self.trigger(command))


def commands_of(widget: QWidget | None) -> Commands | None:
    """Return the commands of the window that a widget or its dialog belongs to, None without one."""
    while widget is not None:
        commands = getattr(widget, "commands", None)
        if isinstance(commands, Commands):
            return commands
        widget = widget.parentWidget()
    return None
