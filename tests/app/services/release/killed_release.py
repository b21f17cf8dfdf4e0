"""Release bundles, each in a process of its own that may end itself at a point, or may not let files grow beyond a size.

Each line of the input is a JSON list: HOME, BUNDLE, VARIANT and "kill", N or "fill", BYTES or "none", 0. The processes
are forked, so that the imports are done once. A last line of JSON about each has its exit "code".

A process ends itself at the N-th of the moments at which something can come apart: a file of the data folder is opened, renamed
or removed, or the database is written. It prints how many there were. What else is opened (modules, what the system tells of
processes) differs from run to run.
"""

import json
import os
import resource
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from quick_describe import describe_quickly

from app.domain.job import ExportRecord
from app.jobs.pool import WorkerPool
from app.paths import find_data_folder
from app.persistence import open_store
from app.services.flow.artifacts import ArtifactStore
from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.steps import JobError
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from app.services.release import releasing
from workers.contracts.folder import sha256_file

KILLED = 9
MOMENTS = ("open", "os.rename", "os.remove", "shutil.rmtree")


def main(home: Path, bundle: Path, variant_id: str, how: str, number: int) -> int:
    releasing.describe = describe_quickly
    paths = find_data_folder(home)
    seen = 0

    def moment() -> None:
        nonlocal seen
        seen += 1
        if how == "kill" and seen == number:
            os._exit(KILLED)

    with open_store(paths) as store:
        pool = WorkerPool(paths.jobs, logs_dir=paths.logs, store=paths.store, threads=1)
        space = Workspace(paths, paths.jobs, ArtifactStore(paths.store), pool, store)
        record = ExportRecord(
            "later", "r1", variant_id, "python", str(bundle), sha256_file(bundle), bundle.stat().st_size,
            datetime.now(UTC), json.dumps({}),
        )  # fmt: skip
        facts = read_facts(space, "r1")
        if how == "fill":
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (number, resource.RLIM_INFINITY))
        ours = (os.fspath(home), os.fspath(bundle))

        def heard(event: str, args: tuple[object, ...]) -> None:
            if event in MOMENTS and any(
                isinstance(one, str | Path) and os.fspath(one).startswith(ours) for one in args
            ):
                moment()

        sys.addaudithook(heard)
        for owner, name in ((space.repositories.records, "put"), (space.repositories.exports, "add")):
            plain = getattr(owner, name)

            def counted(*args, _plain=plain, **kwargs):
                moment()
                result = _plain(*args, **kwargs)
                moment()
                return result

            setattr(owner, name, counted)
        try:
            done = run_to_end(Driver(space, releasing.release(space, facts, export=record), ignore))
            sys.stdout.write(json.dumps({"number": done[0].number, "seen": seen}) + "\n")
        except JobError as error:
            sys.stdout.write(json.dumps({"refused": error.error.code, "seen": seen}) + "\n")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            pool.close()
    return 0


if __name__ == "__main__":
    for line in sys.stdin:
        home, bundle, variant_id, how, number = json.loads(line)
        child = os.fork()
        if child == 0:
            raise SystemExit(main(Path(home), Path(bundle), variant_id, how, number))
        sys.stdout.write(json.dumps({"code": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}) + "\n")
        sys.stdout.flush()
