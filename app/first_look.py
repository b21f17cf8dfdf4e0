"""Show the window with the look that it will have, before its parts and their modules are loaded."""

import base64
import contextlib
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication

from app.first_settings import FirstSettings
from app.paths import DataPaths
from widgets.main_window import MainWindow

if TYPE_CHECKING:
    from app.settings import Settings

HALF_LIGHT = 128


def frame_window(
    app: QApplication, settings: FirstSettings, paths: DataPaths, *, has_files: bool
) -> tuple[MainWindow, Path]:
    """Create the window with its first look and without its parts; return it with the file of the look's picture.

    The name of the file depends on all that may change the look. Whether the system is dark is read from the palette,
    because Qt's own answer costs 15 ms.
    """
    is_dark = app.palette().window().color().lightness() < HALF_LIGHT
    names = "FETTLE_LANGUAGE", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"
    languages = (settings.language, *(os.environ.get(name, "") for name in names))
    page = (settings.last_page if settings.last_project_id else "", has_files)
    facts = (settings.theme, is_dark, settings.text_percent, languages, page)
    picture = paths.first_looks / f"{zlib.crc32(repr(facts).encode()):08x}.png"
    window = MainWindow()
    restore_geometry(window, settings)
    scheme = settings.theme if settings.theme != "system" else "dark" if is_dark else "light"
    window.show_frame(scheme, picture)
    return window, picture


def restore_geometry(window: MainWindow, settings: "Settings | FirstSettings") -> None:
    """Restore the size and position of the last start."""
    if settings.window_geometry:
        with contextlib.suppress(ValueError):
            window.restore_geometry(base64.b64decode(settings.window_geometry))
