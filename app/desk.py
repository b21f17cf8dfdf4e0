"""Open the small window of a shortcut: `fettle desk RUN [--variant ID] [FILE]`.

This is the second composition root. It only reads the data folder, so it works while the main window holds it.
"""

import argparse
import gc
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.cli.output import Globals

COLLECT_MS = 5000


def open_desk(arguments: list[str]) -> int:
    """Open the window and run until it is closed; `arguments` follow the command's name."""
    from app.bootstrap import EXIT_MISSING, lacks_display
    from app.cli.options.inputs import split_globals
    from app.cli.output import CommandFailed

    parser = argparse.ArgumentParser(prog="fettle desk", description="Open a small window with one version.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--variant", metavar="ID")
    parser.add_argument("files", nargs="*", metavar="FILE", help="answered at once")
    try:
        options, rest = split_globals(arguments)
    except CommandFailed as failed:
        parser.error(failed.error.detail)
    wanted = parser.parse_args(rest)
    if lacks_display():
        return EXIT_MISSING
    return _run(options, wanted.run, wanted.variant, [Path(file).absolute() for file in wanted.files])


def _run(options: "Globals", run_id: str, variant_id: str | None, files: list[Path]) -> int:
    from PySide6.QtWidgets import QApplication

    from app.cli.session import workspace
    from app.controllers.desk import DeskController
    from app.controllers.words import error_value
    from app.paths import find_data_folder
    from app.settings import load_settings
    from widgets.desk_window import DeskWindow
    from widgets.drops import Incoming
    from widgets.theme import Theme
    from widgets.timers import every
    from workers.contracts.errors import WorkerError
    from workers.contracts.paths import to_text

    gc.disable()  # a collection inside Qt's work crashes (see `app.bootstrap`), so a timer collects
    app = QApplication(sys.argv[:1])
    app.setApplicationName("Fettle")
    app.setDesktopFileName("fettle")
    settings, _problem = load_settings(find_data_folder(options.data_dir).settings)
    window = DeskWindow(Theme(app, settings.theme))
    with ExitStack() as stack:
        try:
            space = stack.enter_context(workspace(options, writes=False))
        except WorkerError as error:
            window.show_problem(error_value(error.info()))
        else:
            controller = DeskController(window, space, run_id, variant_id)
            stack.callback(controller.stop)
            if files:
                controller.take(Incoming(tuple(to_text(file) for file in files)))
        every(window, COLLECT_MS, gc.collect).start()
        window.show()
        return int(app.exec())
