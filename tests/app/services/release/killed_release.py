"""One release of a bundle in a process of its own, which may end itself at a point, or find that files may not grow beyond a size.

    python killed_release.py HOME BUNDLE VARIANT kill N | fill BYTES | none

It ends itself at the N-th of the moments at which something can come apart: a file of the data folder is opened, renamed
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

from app.domain.job import ExportRecord
from app.jobs.pool import WorkerPool
from app.paths import find_data_folder
from app.persistence import open_store
from app.services.flow.artifacts import ArtifactStore
from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.steps import DiskStep, JobError
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from app.services.release import releasing
from workers.contracts.folder import sha256_file
from workers.contracts.jobs import DescribeResult
from workers.contracts.specs import DescribedTarget, DeviceFacts

KILLED = 9
MOMENTS = ("open", "os.rename", "os.remove", "shutil.rmtree")


def describe_quickly():
    """Return what a job would return in seconds."""
    yield DiskStep(lambda _stopped: None)
    targets = (DescribedTarget(id="python", title="Python folder", available=True),)
    device = DeviceFacts(processor="p", cores=1, memory_bytes=1)
    return DescribeResult(device=device, devices=(), runtimes=(), techniques=(), targets=targets, versions={})


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
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])))
