"""Write the program's log to one rotating file in the data folder; other accounts cannot read its folder.

Only the holder of the data folder logs into the file, because two processes must not rotate the same file.
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
    """A rotating log file that reports a write error, such as a full disk, once on stderr and continues."""

    reported = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        if not self.reported and sys.stderr is not None:
            self.reported = True
            sys.stderr.write(f"The log {self.baseFilename} cannot be written ({sys.exc_info()[1]}).\n")


class LogFile:
    """The open log of Fettle's packages, not of the root logger. The application owns it and closes it last."""

    def __init__(self, handler: logging.Handler) -> None:
        """Create the owner of a `handler` that is already attached to the loggers."""
        self._handler = handler

    def close(self) -> None:
        """Write pending records and close the file."""
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(self._handler)
        with contextlib.suppress(OSError):  # a full disk must not prevent the end of the program
            self._handler.close()


def open_log(paths: DataPaths, level: Literal["info", "debug"] = "info") -> LogFile:
    """Start to log to ``logs/fettle.log`` with times in UTC.

    Raises:
        DataFolderUnusable: if the file cannot be opened.
    """
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
