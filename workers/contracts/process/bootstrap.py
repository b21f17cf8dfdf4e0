"""What a parent gives a worker's process at its start, and the orders to the process that workers are forked from."""

from pydantic import Field

from workers.contracts.base import Frozen
from workers.contracts.process.messages import Card

HOME_FOLDER = ".home"
"""Folder below the job's work folder that takes what libraries put into the home folder and into caches."""

RECORD_MARK = "fettle-stopped: "
"""Begins the line in a job's log that says why the watchdog ended it."""


class ChildConfig(Frozen):
    """Crosses the process boundary as JSON.

    `write_root` holds the work folders of jobs; it, `write_paths` and `read_roots` are all that layer 1 of the sandbox
    opens beside the system's libraries, so a job fits into this child only if its folders lie below them. `preload`
    are import names; of a `kind` the function is loaded, too. `job_kinds` is the import name of a module whose `KINDS`
    is the table of job kinds, "" for the program's own. `card` and `gpu_cache` are those of the job (`Limits`,
    `RunJob`).
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
"""As the system's lists of processes show them: their command lines are the same. At most 15 bytes."""


class ForkOrder(Frozen):
    """To the fork server: fork a worker for a job of `kind`, whose pipe comes along, with this environment and these
    cores; or let go of the worker `reap`, whose group is dead.
    """

    kind: str = ""
    config: ChildConfig | None = None
    environ: dict[str, str] = Field(default_factory=dict)
    cores: tuple[int, ...] = ()
    reap: int | None = None


class ForkAnswer(Frozen):
    """From the fork server: a worker's process number, its exit code (minus the signal's number) once it ended, or
    neither: it waits for an order.
    """

    pid: int | None = None
    exit_code: int | None = None
