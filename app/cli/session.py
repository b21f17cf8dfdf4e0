"""Open the workspace of one command and close it again; Ctrl-C cancels running work within a second."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, TypeVar

from app.cli.output import CANCELLED, REFUSED, CommandFailed, Globals, enter_pressed
from app.computers.pool import AddedComputers
from app.domain.run import WITH_RESULT
from app.jobs.pool import WorkerPool
from app.logging_setup import open_log
from app.paths import clear_leftovers, find_data_folder
from app.persistence import open_store
from app.services.flow.artifacts import ArtifactStore
from app.services.flow.driver import Driver
from app.services.flow.events import Observer, ignore
from app.services.flow.steps import Flow, FlowCancelled, JobError
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.run.recorder import Recorder
from app.settings import chosen_card, load_settings
from workers.contracts.error_info import ErrorInfo
from workers.contracts.errors import WorkerError
from workers.contracts.process.allowance import usable_cores

T = TypeVar("T")
log = logging.getLogger(__name__)

CANCELLED_WORDS = ErrorInfo(
    code="cancelled", title="Cancelled", detail="Nothing was left half done.", hint="Run it again when you like."
)


def _silent(text: str) -> None:
    """Ignore a notice."""


@contextmanager
def workspace(options: Globals, *, writes: bool, notice: Callable[[str], None] = _silent) -> Iterator[Workspace]:
    """Open the data folder, its database and worker processes; `notice` gets messages about the data folder.

    Read-only commands work while a window is open and on a read-only disk: their jobs' folders are in the system's
    temporary folder.
    """
    with ExitStack() as stack:
        paths = find_data_folder(options.data_dir)
        store = stack.enter_context(open_store(paths, read_only=not writes, title="a fettle command"))
        for text in store.notices:
            notice(text)
        settings, problem = load_settings(paths.settings)
        if problem:
            notice(problem)
        if writes:
            clear_leftovers(paths)
            stack.callback(open_log(paths, settings.log_level).close)
            jobs, logs = paths.jobs, paths.logs
        else:
            jobs = Path(stack.enter_context(TemporaryDirectory(prefix="fettle-", ignore_cleanup_errors=True)))
            logs = jobs / "logs"
        pool = WorkerPool(jobs, logs_dir=logs, store=paths.store, threads=usable_cores())
        stack.callback(pool.close)
        try:
            artifacts = ArtifactStore(paths.store, read_only=not writes)
            limit, card = settings.memory_limit_bytes, chosen_card(settings)
            elsewhere = AddedComputers(paths.computers, pool.setup)
            yield Workspace(paths, jobs, artifacts, pool, store, lambda: limit, lambda: card, elsewhere)
        except (CommandFailed, JobError, WorkerError, KeyboardInterrupt):
            raise
        except Exception:
            log.exception("a command was broken off")
            raise


def run(space: Workspace, flow: Flow[T], observe: Observer = ignore) -> T:
    """Drive a flow to its end; job errors and Ctrl-C become `CommandFailed`."""
    driver = Driver(space, flow, observe)

    def stop(_signum: int, _frame: FrameType | None) -> None:
        driver.cancel()

    with on_signal(stop):
        try:
            return run_to_end(driver, meanwhile=lambda: _skip_wait_on_enter(driver))
        except FlowCancelled as error:
            raise CommandFailed(CANCELLED, CANCELLED_WORDS) from error
        except JobError as error:
            raise CommandFailed(error.exit_code or REFUSED, error.error) from error


def run_recorded(space: Workspace, flow: Flow[T], recorder: Recorder) -> T:
    """Drive a run to its end; if it is cancelled, the error names the run and how to resume it."""
    try:
        return run(space, flow, recorder.watch)
    except CommandFailed as error:
        if error.exit_code != CANCELLED:
            raise
        more = " --time-budget SECONDS" if recorder.run.state in WITH_RESULT else ""
        kept = {
            "detail": f"What was measured is kept as run {recorder.run.id}.",
            "hint": f"To continue: fettle optimize --resume {recorder.run.id}{more}",
        }
        raise CommandFailed(CANCELLED, CANCELLED_WORDS.model_copy(update=kept)) from error


def _skip_wait_on_enter(driver: Driver[Any]) -> None:
    """End the wait for a quiet computer on ENTER."""
    if driver.waits_for_quiet and enter_pressed():
        driver.skip_wait()


@contextmanager
def on_signal(stop: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle Ctrl-C and SIGTERM with `stop` meanwhile; Python supports signals in its main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def break_off(_signum: int, _frame: FrameType | None) -> None:
    """End the command between jobs, when nothing needs to be awaited."""
    raise CommandFailed(CANCELLED, CANCELLED_WORDS)
