"""Contracts for the start of a worker process, and orders to the fork server."""

from pydantic import Field

from workers.contracts.base import Frozen
from workers.contracts.process.messages import Card

HOME_FOLDER = ".home"
"""Folder below the job's work folder that replaces the home and cache folders of libraries."""

RECORD_MARK = "fettle-stopped: "
"""Begin of the line in a job's log with the reason why the watchdog ended it."""


class ChildConfig(Frozen):
    """Configuration of a worker process; crosses the process boundary as JSON.

    A job fits into this process only if its folders are below `write_root`, `write_paths` and `read_roots`: layer 1 of
    the sandbox opens only these and the system's libraries.

    Attributes:
        write_root: Folder of the jobs' work folders.
        card: As in the job's `Limits`.
        gpu_cache: As in `RunJob`.
        preload: Import names of libraries to load.
        kind: Job kind whose function is loaded, too.
        job_kinds: Import name of a module whose `KINDS` is the table of job kinds; "" for the program's own.
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
    card: Card | None = None
    gpu_cache: str = ""
    sandbox: bool = True
    preload: tuple[str, ...] = ()
    kind: str | None = None
    job_kinds: str = ""


SERVER_NAME, WORKER_NAME = "fettle-forks", "fettle-worker"
"""Process names in the system's process lists, at most 15 bytes; the command lines of both are the same."""


class ForkOrder(Frozen):
    """Order to the fork server: fork a worker, or release the worker `reap`, whose process group is dead.

    A worker is for a job of `kind`, with this environment and these cores. Its pipe is sent along with the order.
    """

    kind: str = ""
    config: ChildConfig | None = None
    environ: dict[str, str] = Field(default_factory=dict)
    cores: tuple[int, ...] = ()
    reap: int | None = None


class ForkAnswer(Frozen):
    """Message from the fork server about a worker.

    Without any field it means that the server waits for an order.

    Attributes:
        pid: Process id of the worker.
        exit_code: Exit code of the worker (minus the signal's number) after its end.
    """

    pid: int | None = None
    exit_code: int | None = None
