"""Run one step as a task of Dask: pass it to the worker's host process, and cancel it when Dask cancels the task."""

import os
import select
import shutil
import subprocess
import sys
import threading
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

HOST, TURN = "fettle_host", "fettle_turn"
"""Attributes of a Dask worker: its host process, and the lock of the one step that it may run."""


class HostGone(Exception):
    """The process that ran the step has ended."""


def do_step(request: str) -> str:
    """Run one step and return its result, both as JSON."""
    from distributed import get_worker

    worker: Any = get_worker()
    key = worker.get_current_task()
    turn: threading.Lock = vars(worker).setdefault(TURN, threading.Lock())  # a worker may run several tasks at once
    while not turn.acquire(timeout=LOOK_S):
        if not _is_wanted(worker, key):
            return ""
    try:
        return _do(request, worker, key)
    finally:
        turn.release()


def _do(request: str, worker: Any, key: str) -> str:
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


def environ() -> dict[str, str]:
    """Return the variables of a process of Fettle's own on this computer."""
    found = {name: value for name, value in allowed(os.environ, network=False).items() if name not in OF_NANNIES}
    return {**found, "PYTHONPATH": os.pathsep.join(dict.fromkeys((str(CODE), *filter(None, sys.path))))}


def _host_of(worker: Any) -> "subprocess.Popen[bytes]":
    process: subprocess.Popen[bytes] | None = getattr(worker, HOST, None)
    if process is None or process.poll() is not None:
        folder = own_folder(worker)
        command = [sys.executable, "-m", "app.jobs.cluster.host", str(folder)]
        with (folder / "host.log").open("ab") as log:
            pipe, env = subprocess.PIPE, environ()
            process = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=log, start_new_session=True)
        setattr(worker, HOST, process)
    return process


def leave(dask_worker: Any) -> None:
    """End the host process of a worker, and delete the models and results that were sent there."""
    end_host(dask_worker)
    shutil.rmtree(own_folder(dask_worker), ignore_errors=True)


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
