"""Jobs on the workers of a Dask cluster: results and files, cancel, lost workers, certificates."""

import contextlib
import dataclasses
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from small_models import build_cnn
from stopwatch import Stopwatch

from app.jobs.client import JobClient
from app.jobs.cluster import remote
from app.jobs.cluster.files import FileIndex
from app.jobs.cluster.records import StepResult
from app.jobs.cluster.task import HOST, leave
from app.jobs.pool import WorkerPool
from workers.contracts.process.messages import Cancelled, Failed, Finished, RunJob

distributed = pytest.importorskip("distributed", reason="the optional set “cluster” is not installed")
dask = pytest.importorskip("dask")
pytestmark = [
    pytest.mark.whole,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@dataclasses.dataclass
class Cluster:
    """Two workers with one core each, and a pool of jobs on each of them."""

    address: str
    client: Any
    workers: list[Any]
    pools: list[WorkerPool]

    def pid(self, number: int) -> int:
        return int(self.workers[number].call(os.getpid))


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Cluster]:
    from app.jobs.cluster.own import own_cluster

    with own_cluster(2) as (address, security), distributed.Client(address, security=security) as client:
        client.wait_for_workers(2, timeout=120)
        addresses = sorted(client.scheduler_info(n_workers=-1)["workers"])
        workers = [remote.Worker(client, one, f"worker {number}", FileIndex()) for number, one in enumerate(addresses)]
        places = folder / "jobs", folder / "logs", folder / "store"
        yield Cluster(address, client, workers, [remote.ClusterPool(one, "machine", *places) for one in workers])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Yield a cluster that several tests use, because its start takes seconds."""
    with started(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "models" / "m.onnx"
    path.parent.mkdir()
    path.write_bytes(build_cnn().SerializeToString())
    return path


def job(tmp_path: Path, name: str, kind: str, params: dict[str, Any], *read: Path) -> RunJob:
    work = tmp_path / "jobs" / name
    return RunJob(job_id=name, kind=kind, params=params, work_dir=str(work), read_paths=tuple(map(str, read)))


def opening(tmp_path: Path, name: str, model: Path) -> RunJob:
    return job(tmp_path, name, "open", {"path": str(model)}, model, model.parent)


def until(condition: Callable[[], Any], timeout_s: float = 60.0) -> Any:
    end_s = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < end_s
        time.sleep(0.02)
    return found


def outcome(client: JobClient, timeout_s: float = 90.0) -> Any:
    until(lambda: client.poll() is not None and client.done, timeout_s)
    client.close()
    return client.outcome


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_job_on_worker_gives_the_result_and_files_of_a_local_job(cluster: Cluster, model: Path, tmp_path: Path) -> None:
    """Given a model file, When it is opened on a worker and here, Then results and files are equal to the bit, and a
    refused file gives the same error."""
    local = WorkerPool(tmp_path / "jobs", logs_dir=tmp_path / "logs", store=tmp_path / "store")
    (model.parent / "bad.onnx").write_text("text")
    found = []
    for name, pool in (("here", local), ("there", cluster.pools[0])):
        client = pool.take()
        client.start(opening(tmp_path, name, model))
        found.append((outcome(client), contents(tmp_path / "jobs" / name)))
        client = pool.take()
        client.start(opening(tmp_path, f"bad-{name}", model.parent / "bad.onnx"))
        refused = outcome(client)
        assert isinstance(refused, Failed) and refused.error.code == "not_a_model" and refused.exit_code == 3
    local.close()
    assert isinstance(found[0][0], Finished)
    assert found[0] == found[1]
    assert len(found[0][1]) >= 4


def test_cancel_reaches_the_process_on_the_worker(cluster: Cluster, tmp_path: Path) -> None:
    """Given a job on a worker, When it is cancelled here, Then its process there is gone within three seconds."""
    client, worker = cluster.pools[1].take(), psutil.Process(cluster.pid(1))  # no fork server is there yet
    client.start(job(tmp_path, "long", "telemetry", {"max_s": 300}))
    (host,) = until(worker.children)
    until(lambda: _working(host))
    watch = Stopwatch()
    client.cancel()
    assert isinstance(outcome(client), Cancelled)
    until(lambda: not _working(host))
    watch.check(3.0)
    assert host.is_running()


def _working(host: psutil.Process) -> list[psutil.Process]:
    """Return the processes of jobs below a host; the fork server is none."""
    return [one for one in host.children(recursive=True) if one.status() != psutil.STATUS_ZOMBIE and _is_job(one)]


def _is_job(process: psutil.Process) -> bool:
    return "resource_tracker" not in " ".join(process.cmdline())


def test_killed_worker_is_lost_alone_and_leaves_no_process(model: Path, tmp_path: Path) -> None:
    """Given a job on each of two workers, When one worker is killed, Then its job fails as lost, its processes end, and
    the other worker goes on."""
    with started(tmp_path) as cluster:
        client, worker = cluster.pools[0].take(), psutil.Process(cluster.pid(0))
        client.start(job(tmp_path, "long", "telemetry", {"max_s": 300}))
        (host,) = until(worker.children)
        below = until(lambda: _working(host))
        worker.kill()
        lost = outcome(client)
        assert isinstance(lost, Failed) and lost.error.code == "computer_lost" and lost.exit_code == 6
        psutil.wait_procs([host, *below], timeout=10)
        assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in (host, *below))
        again = cluster.pools[0].take()
        again.start(opening(tmp_path, "again", model))
        assert isinstance(outcome(again), Failed)
        other = cluster.pools[1].take()
        other.start(opening(tmp_path, "other", model))
        assert isinstance(outcome(other), Finished)


def test_ports_are_on_loopback_and_need_the_certificate(cluster: Cluster) -> None:
    """Given a cluster of Fettle's own, Then all its ports are on loopback, and none answers without the certificate of
    this cluster: neither plain bytes nor another certificate."""
    from distributed.security import Security

    pids = {os.getpid(), cluster.pid(0), cluster.pid(1)}
    ports = [one.laddr for one in psutil.net_connections("tcp") if one.pid in pids and one.status == "LISTEN"]
    assert {address.ip for address in ports} == {"127.0.0.1"}
    assert len(ports) >= 3
    for address in ports:
        with socket.create_connection((address.ip, address.port), timeout=10) as plain:
            plain.sendall(b"\x01" + 31 * b"\x00")
            with contextlib.suppress(ConnectionResetError):
                assert len(plain.recv(1 << 16)) < 16  # at most the alert of TLS
    for security in (Security.temporary(), None):
        kind = "tls" if security else "tcp"
        with pytest.raises(OSError):
            distributed.Client(cluster.address.replace("tls", kind), security=security, timeout=3)


def test_worker_with_several_threads_runs_one_step_at_a_time_and_forgets_all(model: Path, tmp_path: Path) -> None:
    """Given a worker that may run two tasks at once, When a job begins while a cancelled one still ends, Then it is done;
    When the study leaves, Then no file and no process of it is there."""
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": "127.0.0.1:0"}
    places = tmp_path / "jobs", tmp_path / "logs", tmp_path / "store"
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        (own,) = cluster.workers.values()
        pool = remote.ClusterPool(remote.Worker(client, own.address, "worker", FileIndex()), "machine", *places)
        long, short = pool.take(), pool.take()
        long.start(job(tmp_path, "long", "telemetry", {"max_s": 300}))
        host = psutil.Process(until(lambda: getattr(own, HOST, None)).pid)
        until(lambda: _working(host))
        short.start(opening(tmp_path, "short", model))
        time.sleep(0.5)
        assert not short.done
        long.cancel()
        assert isinstance(outcome(long), Cancelled)
        assert isinstance(outcome(short), Finished)
        assert list((Path(own.local_directory) / "fettle" / "files").iterdir())
        client.run(leave)
        assert not (Path(own.local_directory) / "fettle").exists()
        assert not host.is_running()


def test_steps_go_on_in_a_large_process_and_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a worker whose process is larger than Dask allows it, When steps run there, Then all end, and the scheduler
    keeps none of them and few of their messages."""
    from app.jobs.cluster.own import SETTINGS

    done = Finished(result={})
    monkeypatch.setattr(remote, "do_step", lambda _request: StepResult(messages=(done,)).model_dump_json())
    options = {"n_workers": 1, "processes": False, "memory_limit": "1MB", "dashboard_address": "127.0.0.1:0"}
    with (
        dask.config.set(SETTINGS),
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster) as client,
    ):
        (address,) = client.scheduler_info()["workers"]
        worker = remote.Worker(client, address, "worker", FileIndex())
        time.sleep(0.5)  # Dask looks at the memory ten times a second
        for number in range(60):
            assert worker.do((job(Path(), f"s{number}", "judge", {}),), threading.Event()).messages == (done,)
        scheduler = cluster.scheduler
        until(lambda: not scheduler.tasks)
        assert all(len(comm.recent_message_log) <= 50 for comm in scheduler.stream_comms.values())
