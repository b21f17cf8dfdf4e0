"""Lets a worker try several escapes, and writes how each ended: python try_each.py FOLDER read,write…

FOLDER gets the jobs' folders, and `outside` with a file that a job must not touch.
"""

import json
import signal
import sys
import time
from pathlib import Path

from app.jobs.client import Crashed, JobClient
from app.jobs.setup import WorkerSetup
from workers.contracts.process.messages import TERMINAL, Finished, RunJob


def attempt(folder: Path, what: str) -> dict[str, object]:
    """Return the end of each, and which walls held."""
    client = JobClient(WorkerSetup(folder / "jobs", job_kinds="fettle_hostile_handlers"))
    params = {"what": what, "outside": str(folder / "outside"), "port": 9}
    client.start(RunJob(job_id="tries", kind="tries", params=params, work_dir=str(folder / "jobs" / "tries")))
    end = None
    while not client.done:
        for message in client.poll():
            if isinstance(message, (*TERMINAL, Crashed)):
                end = message
        time.sleep(0.005)
    ready = client.ready
    client.close()
    assert isinstance(end, Finished) and ready is not None
    return {
        "ends": json.loads(end.result["answer"]),
        "held": ready.protections,
        "missing": [one.name for one in ready.missing_protections],
        "secret": (folder / "outside" / "secret.txt").read_text(),
    }


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a job that can send it is identified by its code
    sys.stdout.write(json.dumps(attempt(Path(sys.argv[1]), sys.argv[2])))
