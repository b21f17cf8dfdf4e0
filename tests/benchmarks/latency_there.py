"""Compare latencies through SSH, relay and keeper with those of the same worker without them, on the same computer.

    python -m tests.benchmarks.latency_there MODEL DATA [--sets 12] [--runtime ID] [--cores 0]

The other computer is a network namespace with an SSH server (`own_sshd.Machine`; needs root). Per set two workers are
started there, one through the relay and one directly, with the same cores and in the same namespace; this program and the
relay have the other cores. The workers measure blocks in turn, and the ratio of their medians counts. Reported is the
geometric mean of all sets with its 95 % interval, also for the processor time of a request, which other programs disturb
less.
"""

import argparse
import ctypes
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from scipy import stats

from app.computers.fork import RemoteFork
from app.computers.pairing import close
from app.computers.ssh import ssh_command
from app.jobs.client import JobClient
from app.jobs.setup import WorkerSetup
from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.steps import Flow
from app.services.flow.to_end import run_to_end
from app.services.opening.opening import OpenedModel, ReadData, open_model, read_data
from tests.benchmarks.bench_space import bench_space
from tests.benchmarks.under_load import log_line
from tests.fixtures.own_sshd import Machine, Sshd, run_sshd
from workers.contracts.jobs import DataParams, MeasureParams, OpenParams
from workers.contracts.process.messages import BlockDone, Ready, RunBlock, RunJob

BLOCKS, WARMUP, REQUESTS = 6, 10, 60
NEW_NETWORK = 0x40000000
"""CLONE_NEWNET of sched.h, which setns takes."""
LIMIT = 0.03


@contextmanager
def inside(server: Sshd) -> Iterator[None]:
    """Start processes in the network, with the cores and variables of a computer."""
    assert server.machine is not None
    libc, cores, environ = ctypes.CDLL(None, use_errno=True), os.sched_getaffinity(0), dict(os.environ)
    own, there = (os.open(f"/proc/{of}/ns/net", os.O_RDONLY) for of in ("thread-self", server.process.pid))
    try:
        assert libc.setns(there, NEW_NETWORK) == 0, os.strerror(ctypes.get_errno())
        os.sched_setaffinity(0, map(int, server.machine.cores.split(",")))
        os.environ.update(server.machine.variables)
        yield
    finally:
        assert libc.setns(own, NEW_NETWORK) == 0
        os.sched_setaffinity(0, cores)
        os.environ.clear()
        os.environ.update(environ)
        os.close(own)
        os.close(there)


def opened(model: str, data: str) -> Flow[tuple[OpenedModel, ReadData]]:
    found = yield from open_model(OpenParams(path=model))
    return found, (yield from read_data(DataParams(model_dir=str(found.folder), path=data)))


def loaded(client: JobClient, job: RunJob) -> JobClient:
    client.start(job)
    while not any(isinstance(message, Ready) and message.state == "loaded" for message in client.poll()):
        assert not client.done, client.outcome
        time.sleep(0.01)
    return client


def block(client: JobClient, index: int) -> BlockDone:
    client.send(RunBlock(index=index, warmup_requests=WARMUP, timed_requests=REQUESTS))
    while True:
        for message in client.poll():
            if isinstance(message, BlockDone):
                return message
        assert not client.done, client.outcome
        time.sleep(0.002)


def set_of(server: Sshd, setup: WorkerSetup, fork: RemoteFork, job: RunJob, number: int) -> tuple[float, ...]:
    """Return the time of a request without the way there in ms, and the ratios of time and processor time with it."""
    work = Path(job.work_dir)
    jobs = [
        job.model_copy(update={"job_id": f"{how}{number}", "work_dir": str(work / f"{how}{number}")}) for how in "rd"
    ]
    relayed = loaded(JobClient(setup, fork), jobs[0])
    with inside(server):
        direct = loaded(JobClient(setup), jobs[1])
    done: dict[JobClient, list[BlockDone]] = {relayed: [], direct: []}
    for index in range(BLOCKS):
        for client in (relayed, direct) if (index + number) % 2 else (direct, relayed):
            done[client].append(block(client, index))
    for client in done:
        client.close()
    there_ms, here_ms = (
        statistics.median(ms for one in done[who] for ms in one.latencies_ms) for who in (relayed, direct)
    )
    there_s, here_s = (
        statistics.median(one.load.cpu_s / one.load.requests for one in done[who]) for who in (relayed, direct)
    )
    return here_ms, there_ms / here_ms, there_s / here_s


def summary(ratios: Sequence[float]) -> tuple[float, ...]:
    """Return the geometric mean of ratios and its 95 % interval."""
    logs = np.log(ratios)
    return tuple(np.exp([logs.mean(), *stats.t.interval(0.95, len(logs) - 1, logs.mean(), stats.sem(logs))]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--sets", type=int, default=12)
    parser.add_argument("--runtime", default="onnxruntime-cpu")
    parser.add_argument("--cores", default="0")
    requested = parser.parse_args()
    with tempfile.TemporaryDirectory() as made, run_sshd(Path(made), Machine("there", requested.cores)) as server:
        folder = Path(made)
        os.sched_setaffinity(0, os.sched_getaffinity(0) - {int(core) for core in requested.cores.split(",")})
        added = server.add_with_packages(folder / "computers")
        command = partial(ssh_command, folder / "computers", added)
        fork = RemoteFork(command, name=added.name, version=added.workers_version)
        with bench_space(folder / "space") as space:
            model, data = run_to_end(Driver(space, opened(requested.model, requested.data), ignore))
            places = (str(model.folder), str(data.folder))
            params = MeasureParams(model_dir=places[0], data_dir=places[1], runtime=requested.runtime)
            job = RunJob(
                job_id="m", kind="measure", params=params.model_dump(mode="json"), work_dir=str(folder / "jobs"),
                read_paths=places, fresh_process=True, threads=len(requested.cores.split(",")),
            )  # fmt: skip
            setup, sets = WorkerSetup(folder / "jobs"), []
            for number in range(requested.sets):
                sets.append(set_of(server, setup, fork, job, number))
                log_line(
                    "set {}: {:.3f} ms directly; relay {:.4f} times that, processor {:.4f}".format(
                        number + 1, *sets[-1]
                    )
                )
        close(folder / "computers", added)
    _, times, processor = zip(*sets, strict=True)
    for what, ratios in (("processor time", processor), ("time", times)):
        mean, low, high = summary(ratios)
        log_line(
            f"{what}: {mean:.4f} times ({low:.4f} to {high:.4f}) in {len(sets)} sets, median {statistics.median(ratios):.4f}"
        )
    return 0 if abs(mean - 1) <= LIMIT else 1


if __name__ == "__main__":
    raise SystemExit(main())
