"""Opens the workspace for one command and closes it again; Ctrl-C cancels what runs within a second."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import TypeVar

from app.cli.output import CANCELLED, REFUSED, CommandFailed, Globals
from app.jobs.pool import WorkerPool
from app.paths import clear_leftovers, find_data_folder
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
    """The data folder, its database and the processes.

    Commands that only read work beside an open window and on a disk that allows reading only: their jobs' folders lie
    in the system's temporary folder.
    """
    with ExitStack() as stack:
        try:
            paths = find_data_folder(options.data_dir)
            store = stack.enter_context(open_store(paths, read_only=not writes, title="a fettle command"))
        except WorkerError as error:
            raise CommandFailed(error.exit_code, error.info()) from error
        if writes:
            clear_leftovers(paths)
            jobs, logs = paths.jobs, paths.logs
        else:
            jobs = Path(stack.enter_context(TemporaryDirectory(prefix="fettle-", ignore_cleanup_errors=True)))
            logs = jobs / "logs"
        pool = WorkerPool(jobs, logs_dir=logs, store=paths.store, threads=usable_cores())
        stack.callback(pool.close)
        yield Workspace(paths, jobs, ArtifactStore(paths.store), pool, store)


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
