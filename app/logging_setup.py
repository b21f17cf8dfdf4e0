"""The program's log: one rotating file in the data folder, whose logs folder is closed to other accounts.

Only the holder of the data folder logs into the file: two processes must not rotate the same one.
"""

import contextlib
import logging
import logging.handlers
import sys
import time
from typing import Literal

from app.paths import DataPaths, unusable

LOG_FILE = "fettle.log"
MAX_BYTES = 1_000_000
KEPT_FILES = 5
LOGGERS = ("app", "widgets", "workers", "presets")


class _QuietFile(logging.handlers.RotatingFileHandler):
    """When the disk is full it says so once on stderr, and the program goes on."""

    told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        if not self.told and sys.stderr is not None:
            self.told = True
            sys.stderr.write(f"The log {self.baseFilename} cannot be written ({sys.exc_info()[1]}).\n")


class LogFile:
    """The open log; `close` it last. It is on the program's own packages, never on the root logger."""

    def __init__(self, handler: logging.Handler) -> None:
        self._handler = handler

    def close(self) -> None:
        """Write what is left, let go of the file."""
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(self._handler)
        with contextlib.suppress(OSError):  # a full disk must not keep the program from ending
            self._handler.close()


def open_log(paths: DataPaths, level: Literal["info", "debug"] = "info") -> LogFile:
    """Log to ``logs/fettle.log`` from now on, times in UTC. Raises `DataFolderUnusable`."""
    try:
        handler = _QuietFile(
            paths.logs / LOG_FILE,
            maxBytes=MAX_BYTES,
            backupCount=KEPT_FILES,
            encoding="utf-8",
            errors="backslashreplace",
        )
    except OSError as error:
        raise unusable(paths.logs / LOG_FILE, error) from error
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(level.upper())
        logger.addHandler(handler)
    return LogFile(handler)
