"""Start the window and wire all parts of the application.

This module and `app.desk`, for the small window of a shortcut, are the only ones that create and connect the parts.
The window's look is painted first. The imports of its parts follow, then those of all else.
"""

import contextlib
import gc
import importlib
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from workers.contracts.translation import joined, mark

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from PySide6.QtWidgets import QApplication

    from app.controllers.app_controller import AppController
    from app.controllers.first_page import StartupQueue
    from app.first_settings import FirstSettings
    from app.instance import DataFolderBusy, InstanceLock
    from app.paths import DataPaths
    from app.settings import Settings
    from widgets.application import WindowApplication
    from widgets.main_window import MainWindow
    from widgets.parts.cards.error import ErrorValue
    from widgets.theme import Theme
    from workers.contracts.errors import WorkerError

NO_DISPLAY = """Fettle cannot open its window: there is no display.
These work without one: fettle {commands}.
"""
EXIT_MISSING = 6
PARTS = (
    "widgets.theme", "widgets.focus", "widgets.parts.page", "widgets.dock", "widgets.top_bar", "widgets.rail",
    "app.controllers.first_page",
)  # fmt: skip
"""Modules of the window's parts, imported after the first paint, one per step of the event loop."""
HEAVY = (
    "numpy", "pydantic.main", "workers.contracts.pipeline", "app.settings", "workers.contracts.jobs", "sqlalchemy",
    "sqlalchemy.orm", "alembic.command", "pyqtgraph.Qt", "pyqtgraph", "app.services.flow.workspace",
    "app.services.run.optimize", "app.services.projects.projects", "app.controllers.page_controller",
    "app.controllers.settings.program", "app.controllers.app_controller",
)  # fmt: skip
"""Modules to import when the window shows its parts, each in a step of about .1 s. Pages' controllers follow."""


def open_window(arguments: list[str]) -> int:
    """Open the window, or raise the window that is already open, and run until it is closed."""
    from app.arguments import window_arguments

    folder, files = window_arguments(arguments)
    if lacks_display():
        return EXIT_MISSING
    from app.instance import DataFolderBusy, InstanceLock
    from app.paths import clear_leftovers, find_data_folder
    from app.set_folders import activate_own
    from workers.contracts.errors import WorkerError
    from workers.contracts.paths import to_text

    activate_own()
    try:
        paths = find_data_folder(Path(folder) if folder else None)
        lock = InstanceLock.take(paths, "window", "Fettle's window")
    except DataFolderBusy as busy:
        return _hand_over(paths, busy, [Path(file) for file in files])
    except WorkerError as error:
        return _fail(error)
    with lock:
        clear_leftovers(paths)
        return _run(paths, lock, [to_text(Path(file).absolute()) for file in files])


def command_names() -> tuple[str, ...]:
    """Return the names of all commands; the command modules are imported only here."""
    from typer.main import get_command

    from app.cli.commands import commands

    return tuple(getattr(get_command(commands), "commands", ()))


def lacks_display() -> bool:
    """Return whether Qt can open no display, and say that; checked before Qt starts, because Qt would abort."""
    is_drawn_elsewhere = os.environ.get("QT_QPA_PLATFORM") in ("offscreen", "minimal", "vnc")
    if is_drawn_elsewhere or sys.platform in ("win32", "darwin"):
        return False
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return False
    sys.stderr.write(NO_DISPLAY.format(commands=", ".join(command_names())))
    return True


def _hand_over(paths: "DataPaths", busy: "DataFolderBusy", files: list[Path]) -> int:
    """Send the files to the window that is already open and raise it."""
    from app.handover import hand_over
    from workers.contracts.errors import WorkerError

    if busy.holder is not None and busy.holder.kind == "window":
        try:
            if hand_over(paths, files):
                return 0
        except WorkerError as error:
            return _fail(error)
    return _fail(busy)


def _fail(error: "WorkerError") -> int:
    """Report on the terminal and in a window why the program cannot start; return when the window is closed."""
    sys.stderr.write(f"{error.title}. {error.detail} {error.info().hint_by_command}\n")
    from PySide6.QtCore import QTimer

    from app.controllers.words import error_value
    from app.first_settings import FirstSettings
    from app.quick_imports import forget_feature_imports
    from widgets.application import WindowApplication

    forget_feature_imports()
    app = WindowApplication(sys.argv[:1])
    window, _theme = build_window(app, FirstSettings())
    _stop(window, error_value(error.info()))
    window.close_requested.connect(window.close_now)
    awake = QTimer(window, interval=200)  # lets Python receive signals such as Ctrl+C; nothing else runs here
    awake.timeout.connect(lambda: None)
    awake.start()
    window.show()
    app.exec()
    return error.exit_code


def _stop(window: "MainWindow", value: "ErrorValue") -> None:
    """Show why nothing works, in the place of the first page."""
    from widgets.parts.page import Page

    window.show_page(window.first_page)
    window.rail.setEnabled(False)
    page = window.page(window.first_page)
    assert isinstance(page, Page)
    page.show_stopped(value)


def _run(paths: "DataPaths", lock: "InstanceLock", files: list[str]) -> int:
    from PySide6.QtCore import QCoreApplication, QEvent, QTimer

    from app.quick_imports import forget_feature_imports

    forget_feature_imports()
    from app.first_look import frame_window
    from app.first_settings import read_first_settings
    from app.handover import forget_requests
    from widgets.application import WindowApplication

    gc.disable()  # Application._collect_between_events collects instead; widget tests do the same (tests/conftest.py)
    forget_requests(paths)
    settings = read_first_settings(paths.settings)
    app = scaled(lambda: WindowApplication(sys.argv[:1]), settings.text_percent)
    app.setApplicationName("Fettle")
    app.setDesktopFileName("fettle")
    app.setQuitOnLastWindowClosed(False)
    window, picture = frame_window(app, settings, paths, has_files=bool(files))
    app.file_opened.connect(window.open_path)
    live = Application(app, window, paths, lock, files)
    live.build_later(settings, picture)
    window.first_painted.connect(lambda: QTimer.singleShot(0, live.begin))
    window.show()
    code = app.exec()
    live.end()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return code


def scaled(make: "Callable[[], WindowApplication]", percent: int) -> "WindowApplication":
    """Create the application with everything drawn at `percent` of the system's size.

    Qt reads the scale once, from the environment. It is removed again, because other programs would inherit it.
    """
    if percent == 100 or "QT_SCALE_FACTOR" in os.environ:
        return make()
    os.environ["QT_SCALE_FACTOR"] = str(percent / 100)
    try:
        return make()
    finally:
        del os.environ["QT_SCALE_FACTOR"]


def build_window(
    app: "QApplication", settings: "Settings | FirstSettings", window: "MainWindow | None" = None
) -> "tuple[MainWindow, Theme]":
    """Create the window, or the parts of one that shows its first look, and register the pages without creating them.

    This imports no graph library, no database and no numpy.
    """
    from app.first_look import restore_geometry
    from widgets.main_window import MainWindow
    from widgets.page_registry import find_pages
    from widgets.plots.frame_clock import FrameClock
    from widgets.theme import Theme

    theme = Theme(app, settings.theme)
    clock = FrameClock()
    if window is None:
        window = MainWindow()
        restore_geometry(window, settings)
    window.build(app, theme, clock, find_pages())
    clock.setParent(window)  # stops the clock's timer before the graphs are deleted
    return window, theme


def _importing(name: str) -> "Callable[[], object]":
    return lambda: importlib.import_module(name)


class Application:
    """Start the application after the first paint: database, worker processes and controllers.

    The composition root creates one instance per process. Each step runs in its own turn of the event loop.
    """

    def __init__(
        self,
        app: "QApplication",
        window: "MainWindow",
        paths: "DataPaths",
        lock: "InstanceLock",
        files: list[str],
    ) -> None:
        """Create the application for an open window; `files` are to be opened."""
        self._app, self._window = app, window
        self._paths, self._lock, self._files = paths, lock, files
        self._undo: list[Callable[[], object]] = []
        self._build: list[Callable[[], object]] = [self._hold_actions]
        self._picture: Path | None = None
        self._early: StartupQueue | None = None
        self._is_closing = False
        self.app_controller: AppController | None = None
        window.close_requested.connect(self._on_close)
        sys.excepthook = self._on_mistake

    def build_later(self, settings: "FirstSettings", picture: Path) -> None:
        """Let `begin` create the window's parts, and save their look as `picture` for the next start."""
        self._picture = picture

        def build() -> None:
            from widgets.language import apply_language

            apply_language(settings.language)
            build_window(self._app, settings, self._window)

        def show() -> None:
            from app.controllers.first_page import show_first_page

            show_first_page(self._window, settings, has_files=bool(self._files))

        self._build = [*map(_importing, PARTS), build, show, self._hold_actions]

    def begin(self) -> None:
        """Import and create one part per step, so that the window stays responsive, and wire the parts in the end."""
        self._next([*self._build, *map(_importing, HEAVY), self._go_on])

    def _go_on(self) -> None:
        from app.controllers.page_controller import controller_modules

        names = map(_importing, controller_modules())
        self._next([*names, self._collect_between_events, self._wire])

    def _hold_actions(self) -> None:
        """Show the parts, and keep what the person does with them until there are controllers."""
        from app.controllers.first_page import StartupQueue

        self._early = StartupQueue(self._window)
        self._window.replace_frame()
        if self._picture is not None:
            from widgets.first_frame import save_picture

            with contextlib.suppress(OSError):  # the next start shows areas
                save_picture(self._window, self._picture)  # before thumbnails are decoded, which would vanish again

    def _next(self, steps: "list[Callable[[], object]]") -> None:
        from PySide6.QtCore import QTimer

        if self._is_closing:
            self._quit()
            return
        steps.pop(0)()
        if steps:
            QTimer.singleShot(0, lambda: self._next(steps))

    def _collect_between_events(self) -> None:
        """Collect garbage once a second from a timer instead of at any allocation.

        Qt crashes when a widget is collected inside Python code that Qt calls (a paint, a new style sheet), because Qt
        still holds the widget.
        """
        from pyqtgraph.util.garbage_collector import GarbageCollector

        self._collector = GarbageCollector(interval=1.0)

    def _wire(self) -> None:
        from app.computers.pool import AddedComputers
        from app.controllers.app_controller import AppController
        from app.controllers.session import Session
        from app.controllers.words import settings_problem, store_notice
        from app.jobs.pool import WorkerPool
        from app.logging_setup import open_log
        from app.persistence import open_store
        from app.services.flow.artifacts import ArtifactStore
        from app.services.flow.workspace import Workspace
        from app.settings import SavedSettings, chosen_card, load_settings
        from widgets.motion import system_reduces_motion
        from workers.contracts.errors import WorkerError
        from workers.contracts.process.allowance import usable_cores

        paths, window = self._paths, self._window
        settings, problem = load_settings(paths.settings)
        window.theme.set_choice(settings.theme)  # another one than at the first paint if the file is damaged
        motion = settings.motion
        window.set_calm(motion == "reduced" or (motion == "system" and system_reduces_motion()))
        try:
            self._undo.append(open_log(paths, settings.log_level).close)
            store = open_store(paths, lock=self._lock)
        except WorkerError as error:
            self._show_stopped(error)
            return
        pool = WorkerPool(paths.jobs, logs_dir=paths.logs, store=paths.store, threads=usable_cores())
        self._undo += [store.close, pool.close]
        saved = SavedSettings(paths.settings, settings)
        choices = (lambda: saved.value.memory_limit_bytes), (lambda: chosen_card(saved.value))
        computers = AddedComputers(paths.computers, pool.setup)
        workspace = Workspace(paths, paths.jobs, ArtifactStore(paths.store), pool, store, *choices, computers)
        app_controller = AppController(window, window.theme, Session(workspace, window), saved)
        self.app_controller = app_controller
        app_controller.closed.connect(self._quit)
        app_controller.begin(reopen=not self._files)
        if store.notices:
            window.banner(store_notice(joined(store.notices)))
        elif problem:
            window.banner(settings_problem(problem))
        if self._files:
            app_controller.take_paths(self._files)
        if self._early is not None:
            self._early.hand_over(app_controller)

    def _show_stopped(self, error: "WorkerError") -> None:
        """Show why nothing works, with a report as the only action."""
        from app.controllers.reporting import ProblemReports
        from app.controllers.words import error_value

        ProblemReports(self._window, self._window.theme, self._paths)
        _stop(self._window, error_value(error.info()))
        self._window.close_requested.connect(self._quit)

    def _on_close(self) -> None:
        """Hide the window and stop the start-up if the application is not wired yet."""
        if self.app_controller is None:
            self._window.hide()
            self._is_closing = True

    def _on_mistake(self, kind: type[BaseException], error: BaseException, trace: "TracebackType | None") -> None:
        """Log an unexpected exception with its traceback and show one sentence about it in the banner."""
        logging.getLogger(__name__).error("unexpected", exc_info=(kind, error, trace))
        if not self._window.is_built:
            self._app.exit(1)
            return
        from app.controllers.words import error_value
        from workers.contracts.errors import words_for

        info = words_for(error, mark("You may go on; if it happens again, report it with the log."))
        self._window.banner(error_value(info))

    def _quit(self) -> None:
        self._window.close_now()
        self._app.quit()

    def end(self) -> None:
        """Close all resources in the reverse order of their creation."""
        while self._undo:
            self._undo.pop()()
