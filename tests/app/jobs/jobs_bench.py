"""Provide one pool with handlers that misbehave, and a loop that drives a job to its end."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.jobs.client import JobClient, Message
from app.jobs.fork_server import ForkServer
from app.jobs.pool import WorkerPool
from workers.contracts.optional_sets import LOCK_COPY
from workers.contracts.process.messages import Limits, RunJob

HANDLERS = "fettle_test_handlers"


@dataclass
class Bench:
    """One pool in its own data folder."""

    root: Path
    pool: WorkerPool
    clients: list[JobClient] = field(default_factory=list)

    def job(self, kind: str, values: dict[str, Any] | None = None, **more: Any) -> RunJob:
        job_id = more.pop("job_id", f"{kind}-{len(self.clients)}")
        limits = more.pop("limits", Limits())
        params = more.pop("params", {"values": values or {}})
        work_dir = str(self.root / "jobs" / job_id)
        return RunJob(job_id=job_id, kind=kind, params=params, work_dir=work_dir, limits=limits, **more)

    def start(self, job: RunJob, *, torch: bool = False) -> JobClient:
        client = self.pool.take(torch)
        self.clients.append(client)
        client.start(job)
        return client

    def finish(self, client: JobClient, timeout_s: float = 120.0) -> list[Message]:
        """Return all messages until the end, which must come."""
        return drive(client, lambda: client.done, timeout_s)

    def run(self, kind: str, values: dict[str, Any] | None = None, **more: Any) -> tuple[JobClient, list[Message]]:
        client = self.start(self.job(kind, values, **more))
        return client, self.finish(client)


@contextmanager
def opened(folder: Path, server: ForkServer | None = None) -> Iterator[Bench]:
    """Open a bench whose workers are started anew, or forked by `server`; it ends with the block."""
    made = Bench(folder, WorkerPool(folder / "jobs", job_kinds=HANDLERS, fork_server=server))
    yield made
    for client in made.clients:
        client.close()
    made.pool.close()


def drive(pollable: Any, until: Callable[[], bool], timeout_s: float = 120.0) -> list[Any]:
    """Poll like a window's timer until a condition holds; return all messages."""
    messages: list[Any] = []
    end = time.monotonic() + timeout_s
    while True:
        messages += pollable.poll()
        if until():
            return messages
        assert time.monotonic() < end, f"nothing happened for {timeout_s} s; so far: {messages}"
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    """Return whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def made_card_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a complete folder of the set “cuda”, at the end of the import path, with a module in place of the library."""
    made = folder / f"cuda-{sys.implementation.cache_tag}"
    (made / "onnxruntime").mkdir(parents=True)
    (made / "onnxruntime" / "__init__.py").touch()
    (made / LOCK_COPY).touch()
    monkeypatch.setattr(sys, "path", [*sys.path, str(made)])
    return made
