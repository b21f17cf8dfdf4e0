"""Do one step as a task of Dask: hand it to the worker's host process, and end it when nobody wants it any more."""

import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

from app.jobs.cluster.files import own_folder
from app.jobs.cluster.host import CANCEL
from app.jobs.cluster.records import MOST_RESULT_CHARS
from app.jobs.environment import allowed

CODE = Path(__file__).resolve().parents[3]
LOOK_S = 0.1
END_S = 3.0
OF_NANNIES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_")
"""Variables that Dask's nanny sets for its own work; Fettle sets the cores of each job itself."""

HOST = "fettle_host"


class HostGone(Exception):
    """The process that ran the step has ended."""


def do_step(request: str) -> str:
    """Run one step and return its result, both as JSON."""
    from distributed import get_worker

    worker: Any = get_worker()
    key = worker.get_current_task()
    process = _host_of(worker)
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(request.encode() + b"\n")
    process.stdin.flush()
    answer, is_cancelled = bytearray(), False
    while not answer.endswith(b"\n"):
        if select.select([process.stdout], [], [], LOOK_S)[0]:
            piece = os.read(process.stdout.fileno(), 1 << 20)
            answer += piece
            if not piece or len(answer) > MOST_RESULT_CHARS:
                end_host(worker)
                raise HostGone(f"the host of {worker.name} has ended")
        elif not is_cancelled and not _is_wanted(worker, key):
            is_cancelled = True
            process.stdin.write(f"{CANCEL}\n".encode())
            process.stdin.flush()
    return answer.decode()


def _is_wanted(worker: Any, key: str) -> bool:
    """Return whether the scheduler still wants the task: it is not, once it was cancelled or its client is gone."""
    state = worker.state.tasks.get(key)
    return state is not None and state.state == "executing"


def _host_of(worker: Any) -> "subprocess.Popen[bytes]":
    process: subprocess.Popen[bytes] | None = getattr(worker, HOST, None)
    if process is None or process.poll() is not None:
        folder = own_folder(worker)
        environ = {name: value for name, value in allowed(os.environ, network=False).items() if name not in OF_NANNIES}
        environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys((str(CODE), *filter(None, sys.path))))
        command = [sys.executable, "-m", "app.jobs.cluster.host", str(folder)]
        with (folder / "host.log").open("ab") as log:
            process = subprocess.Popen(
                command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        setattr(worker, HOST, process)
    return process


def end_host(dask_worker: Any) -> None:
    """End the host process of a worker with all that it started."""
    process: subprocess.Popen[bytes] | None = getattr(dask_worker, HOST, None)
    if process is None:
        return
    setattr(dask_worker, HOST, None)
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
    process.stdout.close()
