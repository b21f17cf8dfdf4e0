"""The doorway between the two sides: what a parent tells a worker's process at birth, and what that process runs.

The application starts workers without importing their code: `child_main` finds it in the new process.
"""

import importlib
from multiprocessing.connection import Connection

from pydantic import Field

from workers.contracts.base import Frozen

HOME_FOLDER = ".home"
"""Folder below the job's work folder that takes what libraries put into the home folder and into caches."""

HANDLERS = "workers.runtime.handlers"
RECORD_MARK = "fettle-stopped: "
"""Begins the line in a job's log that says why the watchdog ended it."""


class ChildConfig(Frozen):
    """Crosses the process boundary as JSON.

    `write_root` holds the work folders of jobs; it, `write_paths` and `read_roots` are all that layer 1 of the sandbox
    opens beside the system's libraries, so a job fits into this child only if its folders lie below them. `preload`
    are import names. `handler_package` is the package that kinds are looked up in.
    """

    parent_pid: int
    write_root: str
    read_roots: tuple[str, ...] = ()
    write_paths: tuple[str, ...] = ()
    log_path: str | None = None
    home: str | None = None
    threads: int = Field(default=1, ge=1)
    network: bool = False
    start_programs: bool = False
    gpu: bool = False
    sandbox: bool = True
    preload: tuple[str, ...] = ()
    handler_package: str = HANDLERS


def child_main(connection: "Connection[bytes, bytes]", config_json: str) -> None:
    """Target of the spawned process; imports the worker's side there and never returns."""
    importlib.import_module("workers.runtime.entry").main(connection, config_json)
