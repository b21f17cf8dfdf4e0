"""Run the web service of a bundle, or a page for a phone, in the sandbox of workers, on a socket of the program.

The sandbox stays without a network: this process can open no socket of its own and connect to nowhere. It accepts
connections on the one listening socket that it inherits.
"""

import faulthandler
import logging
import os
import runpy
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from workers.contracts.process.bootstrap import ChildConfig
from workers.contracts.process.messages import Limits
from workers.runtime.run import enclose
from workers.runtime.walls.limits import lower_priority, set_system_limits

NICENESS = 5
"""Below the window's priority, above that of jobs: people and shops wait for the answers."""
MOST_LOG_BYTES, KEPT_LOG_BYTES = 256 << 10, 32 << 10
OWN = ("root", "fettle")
"""Loggers whose messages hold no part of an input."""
KEEP = b"keep\n"
"""Line from the window: the service runs on after the window has closed. Any other line takes that back."""


def main(config_json: str, limits_json: str, script: str, *options: str) -> None:
    """Run a script, as `serve.py` of an unpacked bundle, with these options; its exit code becomes that of the process.

    Standard input is the pipe of the window, and standard error is the log.
    """
    config = ChildConfig.model_validate_json(config_json)
    protections = enclose(config, config.threads)
    logging.setLogRecordFactory(_without_inputs)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S", handlers=[BoundedLog()]
    )
    threading.excepthook = lambda given: logging.error("A thread failed", exc_info=given.exc_value)
    faulthandler.enable()
    for missing in protections.missing:
        logging.warning("Missing protection: %s. %s", missing.name, missing.reason)
    lower_priority(NICENESS)
    set_system_limits(Limits.model_validate_json(limits_json), config.threads)
    threading.Thread(target=_follow_window, name="window", daemon=True).start()
    sys.argv = [Path(script).name, *options]
    runpy.run_path(script, run_name="__main__")


class BoundedLog(logging.StreamHandler[Any]):
    """Handler of standard error that keeps the file small, whatever else was written to it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; of a file that is too large only the end stays."""
        super().emit(record)
        size = os.fstat(2).st_size
        if size > MOST_LOG_BYTES:
            os.lseek(2, size - KEPT_LOG_BYTES, os.SEEK_SET)
            end = os.read(2, KEPT_LOG_BYTES)
            os.ftruncate(2, 0)
            os.write(2, end.partition(b"\n")[2])


def _without_inputs(*facts: Any, **more: Any) -> logging.LogRecord:
    """Return a record that names the type and the place of an error; its message may hold a part of an input."""
    record = logging.LogRecord(*facts, **more)
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    if error is not None:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f" in {Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}" if trace else ""
        what = record.getMessage() if record.name in OWN else record.name  # asyncio's messages quote the error
        record.msg, record.args = f"{what}: {type(error).__name__}{place}", ()
        record.exc_info = None
    return record


def _follow_window() -> None:
    """Stop the service when the window's pipe ends, unless the last line said to keep it.

    `sys.stdin` has a lock that a waiting thread would hold at the end of the process.
    """
    last = b""
    while word := os.read(0, 64):
        last = word
    if not last.endswith(KEEP):
        signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":
    main(*sys.argv[1:])
