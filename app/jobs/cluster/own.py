"""Start a cluster of Fettle's own on this computer: on loopback, with certificates that live as long as it does.

Usage of a worker: python -m app.jobs.cluster.own ADDRESS NAME CERTIFICATES FOLDER
"""

import asyncio
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dask
from distributed import Scheduler, SpecCluster, Worker
from distributed.security import Security

from app.jobs.cluster.task import end_host, environ

LOOPBACK = "127.0.0.1"
CLOSE_S = 5.0

SETTINGS: Mapping[str, Any] = {
    "distributed.scheduler.allowed-failures": 0,  # a step that ended its worker is not tried on all others
    "distributed.scheduler.worker-saturation": "inf",
    # steps keep nothing in a worker's memory; a worker that pauses for lack of it would never do its step
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.comm.timeouts.connect": "10s",
    # a worker that looks at itself a hundred times a second would disturb measurements on its computer
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.tick.interval": "1s",  # looks at the event loop, in the program and the scheduler as well
    "distributed.client.scheduler-info-interval": "60s",
    "distributed.admin.low-level-log-length": 50,  # sent messages, with their requests, that each connection keeps
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.active-memory-manager.start": False,
}
CERTIFICATES = ("tls_ca_file", "tls_worker_cert", "tls_worker_key")


class WithoutPage:
    """Part of a scheduler or worker: it serves no page, which everybody on this computer could read."""

    def start_http_server(self, *_arguments: Any, **_options: Any) -> None:
        """Start nothing; Dask calls it."""


class OwnScheduler(WithoutPage, Scheduler):  # type: ignore[misc]
    """The scheduler of an own cluster."""


class OwnWorker(WithoutPage, Worker):  # type: ignore[misc]
    """A worker of an own cluster, in a process without a nanny."""


@contextmanager
def own_cluster(workers: int, environs: tuple[Mapping[str, str], ...] = ()) -> Iterator[tuple[str, Security]]:
    """Run a scheduler in this process and workers with one core each in others; yield its address and certificates.

    Each worker gets the variables that Fettle's workers may inherit, and those of its entry in `environs`.
    """
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(SETTINGS))
        security = Security.temporary()
        options = {"host": LOOPBACK, "port": 0, "protocol": "tls", "security": security, "dashboard": False}
        scheduler = {"cls": OwnScheduler, "options": options}
        cluster = stack.enter_context(SpecCluster(scheduler=scheduler, workers={}, security=security, silence_logs=50))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fettle-cluster-")))
        for name in CERTIFICATES:
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(getattr(security, name), encoding="ascii")
        for number in range(workers):
            more = environs[number] if number < len(environs) else {}
            process = _start(cluster.scheduler_address, f"worker-{number + 1}", folder, more)
            stack.callback(_end, process)
        yield cluster.scheduler_address, security


def _start(address: str, name: str, folder: Path, more: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "app.jobs.cluster.own", address, name, str(folder), str(folder / name)]
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(command, env={**environ(), **more}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(CLOSE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


async def _work(address: str, name: str, certificates: Path, folder: str) -> None:
    """Work until the scheduler is gone."""
    files = {part: (certificates / part).read_text(encoding="ascii") for part in CERTIFICATES}
    security = Security(require_encryption=True, **files)
    worker = OwnWorker(address, security=security, name=name, nthreads=1, host=LOOPBACK, local_directory=folder)
    async with worker:
        with contextlib.suppress(asyncio.CancelledError):
            await worker.finished()
    end_host(worker)


if __name__ == "__main__":
    with dask.config.set(SETTINGS):
        asyncio.run(_work(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]))
