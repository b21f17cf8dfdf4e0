"""Opens the workspace for one command and closes it again; Ctrl-C cancels what runs within a second."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from app.cli.output import CANCELLED, REFUSED, CommandFailed, Globals
from app.jobs.pool import WorkerPool
from app.paths import find_data_folder, prepare
from app.persistence import open_store
from app.services.driver import Driver, run_to_end
from app.services.events import Observer
from app.services.steps import Flow, FlowCancelled, JobError
from app.services.store import ArtifactStore
from app.services.workspace import Workspace, usable_cores
from workers.contracts.errors import ErrorInfo, WorkerError

T = TypeVar("T")

CANCELLED_WORDS = ErrorInfo(
    code="cancelled",
    title="Cancelled",
    detail="Nothing was left half done.",
    hint="Run it again when you like.",
)


@contextmanager
def workspace(options: Globals, *, writes: bool) -> Iterator[Workspace]:
    """The data folder, its database and the processes. Commands that only read work beside an open window."""
    try:
        paths = prepare(find_data_folder(options.data_dir))
        store = open_store(paths, read_only=not writes)
    except WorkerError as error:
        raise CommandFailed(error.exit_code, error.info()) from error
    pool = WorkerPool(paths.jobs, logs_dir=paths.logs, read_roots=(paths.store,), threads=usable_cores())
    try:
        yield Workspace(paths, ArtifactStore(paths.store), pool, store)
    finally:
        pool.close()
        store.close()


def run(space: Workspace, flow: Flow[T], observe: Observer) -> T:
    """Drive a flow to its end. Job errors and Ctrl-C become `CommandFailed`."""
    driver = Driver(space, flow, observe)

    def stop(signum: int, frame: FrameType | None) -> None:
        driver.cancel()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return run_to_end(driver)
    except FlowCancelled as error:
        raise CommandFailed(CANCELLED, CANCELLED_WORDS) from error
    except JobError as error:
        raise CommandFailed(error.exit_code or REFUSED, error.error) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
