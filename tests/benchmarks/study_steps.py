"""Measure what each step of a study costs the program: 10,000 small steps on 100 workers of Dask's in-process cluster.

Usage: python -m tests.benchmarks.study_steps [WORKERS] [STEPS]

The workers do nothing, so that the figures are those of Dask and of this program. All of them are in one process here;
100 real ones would have their own.
"""

import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import dask
import psutil
from distributed import Client, LocalCluster

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from app.jobs.cluster import remote  # noqa: E402
from app.jobs.cluster.files import FileIndex  # noqa: E402
from app.jobs.cluster.own import SETTINGS  # noqa: E402
from app.jobs.cluster.records import StepResult  # noqa: E402
from workers.contracts.process.messages import Finished, RunJob  # noqa: E402

RESULT = StepResult(messages=(Finished(result={}),)).model_dump_json()


def small_step(_request: str) -> str:
    """Return the result of a step that does nothing."""
    return RESULT


def run(client: Any, number: int, address: str, steps: int, done: list[int]) -> None:
    """Run the steps of one model on one worker, as a study does."""
    worker, ended = remote.Worker(client, address, address, FileIndex()), threading.Event()
    for step in range(steps):
        job = RunJob(job_id=f"{number}-{step}", kind="judge", params={}, work_dir=f"{number}-{step}")
        assert isinstance(worker.do((job,), ended).messages[0], Finished)
    done.append(steps)


def main(workers: int, steps: int) -> None:
    """Print wall time, processor time and memory."""
    remote.do_step = small_step
    how = {"processes": False, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    with (
        tempfile.TemporaryDirectory() as folder,
        dask.config.set(SETTINGS),
        LocalCluster(n_workers=workers, local_directory=folder, **how) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(workers)
        addresses, done = list(client.scheduler_info(n_workers=-1)["workers"]), list[int]()
        before_bytes, began_s, cpu_s = psutil.Process().memory_info().rss, time.monotonic(), time.process_time()
        threads = [
            threading.Thread(target=run, args=(client, number, address, steps // workers, done))
            for number, address in enumerate(addresses)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds, cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
        grown_mb = (psutil.Process().memory_info().rss - before_bytes) / 1e6
        sys.stdout.write(
            f"{sum(done)} steps on {len(addresses)} workers: {seconds:.1f} s, {1000 * seconds / steps:.2f} ms each, of"
            f" which {1000 * cpu_s / steps:.2f} ms processor time; memory {grown_mb:+.0f} MB\n"
        )


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*(given or [100, 10_000]))
