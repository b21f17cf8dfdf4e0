"""Measure what each step of a study costs the program: 10,000 small steps on 100 workers of Dask.

Usage: python -m tests.benchmarks.study_steps [WORKERS] [STEPS] [--processes | --bare]

The workers do nothing, so that the figures are those of Dask and of this program. They are threads of this process, with
their share of the figures, or with `--processes` four processes that the program reaches by TLS, as in a study. `--bare`
measures Dask alone: each step is one call of `Client.submit`, whose result is fetched.
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
PROCESSES = 4


def small_step(_request: str) -> str:
    """Return the result of a step that does nothing."""
    return RESULT


def run(client: Any, number: int, address: str, steps: int, done: list[int], *, bare: bool) -> None:
    """Run the steps of one model on one worker, as a study does."""
    worker, ended = remote.Worker(client, address, address, FileIndex()), threading.Event()
    for step in range(steps):
        job = RunJob(job_id=f"{number}-{step}", kind="judge", params={}, work_dir=f"{number}-{step}")
        if bare:
            future = client.submit(small_step, "", workers=[address], pure=False, key=f"fettle-{job.job_id}")
            assert future.result() == RESULT
        else:
            assert isinstance(worker.do((job,), ended).messages[0], Finished)
        done[number] += 1


def main(workers: int, steps: int, *, processes: bool, bare: bool) -> None:
    """Print wall time, processor time and memory of this process after each tenth of the steps, and of all of them."""
    remote.do_step = small_step
    how = {"n_workers": PROCESSES if processes else workers, "processes": processes, "security": processes or None}
    how |= {"threads_per_worker": workers // how["n_workers"], "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    with (
        tempfile.TemporaryDirectory() as folder,
        dask.config.set(SETTINGS),
        LocalCluster(local_directory=folder, **how) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(how["n_workers"])
        addresses = list(client.scheduler_info(n_workers=-1)["workers"])
        own, done, shown = psutil.Process(), [0] * workers, 0
        before_bytes, began_s, cpu_s = own.memory_info().rss, time.monotonic(), time.process_time()
        threads = []
        for number in range(workers):
            given = client, number, addresses[number % len(addresses)], steps // workers, done
            threads.append(threading.Thread(target=run, args=given, kwargs={"bare": bare}))
        for thread in threads:
            thread.start()
        while shown < 10:
            time.sleep(0.01)
            if sum(done) * 10 < steps * (shown + 1):
                continue
            shown += 1
            count, seconds, used_s = sum(done), time.monotonic() - began_s, time.process_time() - cpu_s
            grown_mb = (own.memory_info().rss - before_bytes) / 1e6
            sys.stdout.write(
                f"{count} steps on {workers} workers: {seconds:.1f} s, {1000 * seconds / count:.2f} ms each, of which"
                f" {1000 * used_s / count:.2f} ms processor time; memory {grown_mb:+.0f} MB\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    main(*(numbers or [100, 10_000]), processes="--processes" in sys.argv, bare="--bare" in sys.argv)
