"""Test what a job on another computer may not do, and its errors without room or without its turn."""

import hashlib
import json
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from computer_elsewhere import Elsewhere, exchange, install
from jobs_bench import drive
from stopwatch import Stopwatch

from app.computers.link import Link
from workers.contracts.process.bootstrap import ChildConfig
from workers.contracts.process.channel import DATA, read_control
from workers.contracts.process.messages import Cancelled, Failed, Finished, Limits, Progress, Request
from workers.remote.session import SETTABLE


def test_a_request_sets_neither_network_nor_sandbox_nor_code() -> None:
    """Given the fields of a worker's start, Then a request may set none that opens a wall or names code to import."""
    assert set(SETTABLE) < set(ChildConfig.model_fields)
    assert not {"network", "sandbox", "preload", "job_kinds", "parent_pid"} & set(SETTABLE)


def test_a_worker_there_has_no_network_and_no_secrets(bench: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a job that wants the network and a program with secrets, When it runs there, Then it has neither."""
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("NVIDIA_API_KEY", "secret")
    client, messages = bench.run("secrets", limits=Limits(network=True))
    assert isinstance(messages[-1], Finished) and client.ready is not None
    assert not {"HF_TOKEN", "NVIDIA_API_KEY"} & {*messages[-1].result["values"]["now"]}
    assert not {"HF_TOKEN", "NVIDIA_API_KEY"} & {*messages[-1].result["values"]["born with"]}
    assert "network" in client.ready.protections or not client.ready.protections


def converse(bench: Elsewhere, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    """Send requests to an agent; return its replies until it ends or nothing is left to come."""
    link, replies = Link(bench.command("session", "job", "5")), []
    for request in requests:
        link.request(**request)
    try:
        while len(replies) < 1 + len(requests) and "error" not in (replies or [{}])[-1]:
            frame = link.receive()
            replies += [read_control(frame)] if frame is not None else []
    finally:
        link.close()
    return replies


@pytest.mark.parametrize(
    "change",
    [
        {"write_root": "/tmp"}, {"write_root": "{home}/versions/1.0"}, {"write_paths": ["{home}/agent"]},
        {"read_roots": ["/etc"]}, {"read_roots": ["{home}/jobs/other/work"]}, {"log_path": "{home}/jobs/job/../../x"},
        {"home": "~/.ssh"}, {"gpu_cache": "/"}, {"read_roots": ["{home}/jobs/job"]},
    ],
)  # fmt: skip
def test_a_request_for_other_places_is_refused(bench: Elsewhere, change: dict[str, Any]) -> None:
    """Given a request with a place outside of the job's, Then it is refused and nothing is started."""
    text = json.dumps({"write_root": "{home}/jobs/job/work", **change}).replace("{home}", str(bench.home))
    start = {"do": "start", "version": "1.0", "config": json.loads(text), "folders": [], "files": [], "kept": []}
    assert converse(bench, start)[-1]["error"] == "bad_request"
    assert bench.left == []


@pytest.mark.parametrize(
    "request_", [{"do": "shell"}, {}, {"do": "get", "name": "work/a", "offset": "x"}, {"do": "have"}, {"do": "start"},
                 {"do": "have", "files": [["../../etc/passwd", 1]]}, {"do": "put", "sha256": "0", "size": 1},
                 {"do": "get", "name": "../../../etc/passwd", "offset": 0}, {"do": "get", "name": "config.json", "offset": 0}]
)  # fmt: skip
def test_other_requests_are_refused(bench: Elsewhere, request_: dict[str, Any]) -> None:
    """Given a request that the agent does not know or that makes no sense, Then it is refused."""
    assert converse(bench, request_)[-1]["error"] in ("bad_request", "system")


def test_a_file_goes_on_where_it_stopped(bench: Elsewhere) -> None:
    """Given a file of which a part came, When it is sent again, Then the rest is requested; wrong bytes are refused."""
    data = os.urandom(300_000)
    put = {"do": "put", "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    for offset, piece in ((0, data[:100_000]), (100_000, b""), (100_000, data[100_000:]), (len(data), b"")):
        link = Link(bench.command("session", "job", "5"))
        link.request(**put)
        assert "home" in next_reply(link) and next_reply(link)["offset"] == offset
        for begin in range(0, len(piece), 65536):
            link.send(DATA + piece[begin : begin + 65536])
        while link.channel.queued_bytes:
            link.receive()
        if offset + len(piece) == len(data):
            assert next_reply(link)["received"] == put["sha256"]
        else:
            wait_for_size(bench.home / "files" / f"{put['sha256']}.part", offset + len(piece))
        link.close()
    put["sha256"] = "0" * 64
    link = Link(bench.command("session", "job", "5"))
    link.request(**put)
    link.send(DATA + data)
    assert [next_reply(link).get("error") for _ in range(3)][-1] == "wrong_hash"
    assert [path.name for path in (bench.home / "files").iterdir()] == [hashlib.sha256(data).hexdigest()]
    link.close()


def wait_for_size(path: Path, size: int) -> None:
    """Wait until a file has this size."""
    end_s = time.monotonic() + 20
    while path.stat().st_size != size:
        assert time.monotonic() < end_s
        time.sleep(0.01)


def next_frame(link: Link) -> bytes:
    """Return the next frame of the agent."""
    while (frame := link.receive()) is None:
        time.sleep(0.005)
    return frame


def next_reply(link: Link) -> dict[str, Any]:
    """Return the agent's next reply."""
    return read_control(next_frame(link))


def test_one_group_measures_there_at_a_time(bench: Elsewhere, inputs: Path) -> None:
    """Given a job that measures, When another group wants to, Then it waits and says so, and fails when that is too long;
    a job of the same group measures beside."""
    ours = bench.fork()
    one, beside = bench.client(ours), bench.client(ours)
    for number, client in enumerate((one, beside)):
        client.start(bench.visit(inputs, f"ours{number}").model_copy(update={"fresh_process": True}))
        drive(client, lambda client=client: client.ready is not None)
    job = bench.visit(inputs, "other").model_copy(update={"fresh_process": True})
    other = bench.client(bench.fork(busy_wait_s=0.5))
    other.start(job)
    messages = bench.finish(other)
    assert isinstance(messages[-1], Failed) and messages[-1].error.code == "computer_in_use"
    assert any(isinstance(message, Progress) and message.stage_id == "wait_for_computer" for message in messages)
    for client in (one, beside):
        client.cancel()
        assert bench.finish(client)[-1] == Cancelled()
    later = bench.client(bench.fork(busy_wait_s=0))
    assert isinstance(exchange(bench, job.model_copy(update={"job_id": "later"}), client=later)[-1], Finished)


def test_without_its_version_a_job_is_refused(bench: Elsewhere, inputs: Path) -> None:
    """Given workers that are not installed completely there, Then the job fails and says so."""
    (bench.home / "versions" / "1.0" / "complete").unlink()
    (*_, last) = exchange(bench, bench.visit(inputs))
    assert isinstance(last, Failed) and last.error.code == "computer_unprepared"


def test_a_full_disk_there(bench: Elsewhere, inputs: Path, small_disk: Path) -> None:
    """Given a disk there without room for the inputs, or filled by the job, Then the job fails and says so; the next runs."""
    for name in ("files", "jobs", "kept"):
        (small_disk / name).mkdir()
    (small_disk / "versions").symlink_to(bench.home / "versions")
    small_disk.chmod(0o700)
    (inputs / "sub" / "more.bin").write_bytes(os.urandom(3 << 20))
    bench.place = small_disk
    (*_, last) = exchange(bench, bench.visit(inputs, "large"))
    assert isinstance(last, Failed) and (last.error.code, last.exit_code) == ("computer_full", 6)
    (inputs / "sub" / "more.bin").unlink()
    (*_, last) = bench.run("fill", {"how": "raise"})[1]
    assert isinstance(last, Failed) and last.error.code == "disk_full", last
    (*_, last) = bench.run("fill", {"how": "abort"})[1]
    assert isinstance(last, Failed) and last.error.code == "computer_full", last
    assert isinstance(exchange(bench, bench.visit(inputs, "small"))[-1], Finished)
    assert bench.left == []


def test_a_log_that_grows_is_sent_as_it_was_listed(bench: Elsewhere) -> None:
    """Given a job's log that grows after it was listed, When it is fetched, Then the listed bytes come and no others."""
    log = bench.home / "jobs" / "job" / "log"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"0123456789")
    link = Link(bench.command("session", "job", "5"))
    link.request(do="list")
    assert "home" in next_reply(link)
    listed = [["log", 10, hashlib.sha256(b"0123456789").hexdigest()]]
    assert next_reply(link)["files"] == listed
    with log.open("ab") as file:
        file.write(b"more")
    link.request(do="get", name="log", offset=4, size=10)
    assert next_frame(link) == DATA + b"456789"
    assert next_reply(link)["sent"] == "log"
    link.close()


def test_finished_parts_stay_there(bench: Elsewhere, inputs: Path) -> None:
    """Given a folder that outlives its job, When two jobs write into it there, Then the second sees the part of the first."""
    kept = bench.root / "kept"
    kept.mkdir()
    for name in ("first", "second"):
        job = bench.visit(inputs, name, kept=[str(kept)])
        job = job.model_copy(update={"write_paths": (str(kept),), "kept_dir": str(kept)})
        assert isinstance(exchange(bench, job)[-1], Finished)
    (part,) = (bench.home / "kept").glob("*/part.txt")
    assert part.read_text() == "++" and not any(kept.iterdir())


def test_removing_fettle_ends_its_jobs(bench: Elsewhere, inputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a job that runs there, When the last Fettle leaves, Then the job ends at once and says so, and nothing is left."""
    monkeypatch.setenv("HOME", str(bench.root))  # of the file of keys
    client = bench.client()
    client.start(bench.visit(inputs))
    drive(client, lambda: client.ready is not None)
    there = [process for process in psutil.process_iter(["cwd"]) if str(bench.home) in (process.info["cwd"] or "")]
    watch = Stopwatch()
    subprocess.run(bench.command("leave", "a key"), check=True, timeout=20)
    assert len(there) > 1 and not bench.home.exists()
    assert not [one for one in there if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    (*_, last) = bench.finish(client, 20)
    watch.check(3)
    assert isinstance(last, Failed) and last.error.code == "computer_lost"


INTRUDER = """
import ctypes, json, os, signal, socket, sys

places, addresses, pids = json.load(sys.stdin)
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
done = []

def attempt(what, of, act):
    try:
        act(of)
        done.append(f"{what} {of}")
    except OSError:
        pass

def connect(address):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(address)

def read_memory(pid):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        memory.seek(int(maps.readline().split("-")[0], 16))
        memory.read(1)

def trace(pid):
    if libc.ptrace(0x4206, pid, None, None):  # PTRACE_SEIZE
        raise OSError(ctypes.get_errno(), "ptrace")

def take_descriptor(pid):
    taken = libc.syscall(438, os.pidfd_open(pid), 1, 0)  # pidfd_getfd
    if taken < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")

for place in places:
    attempt("list" if os.path.isdir(place) else "read", place, lambda of: os.listdir(of) if os.path.isdir(of) else open(of).close())
    attempt("write", place, lambda of: os.open(of, os.O_WRONLY | (os.O_TMPFILE if os.path.isdir(of) else 0)))
for address in addresses:
    attempt("connect", address, connect)
for pid in pids:
    attempt("environ", pid, lambda of: open(f"/proc/{of}/environ").read())
    attempt("descriptors", pid, lambda of: os.listdir(f"/proc/{of}/fd"))
    attempt("folder", pid, lambda of: os.listdir(f"/proc/{of}/cwd"))
    attempt("memory", pid, read_memory)
    attempt("descriptor", pid, take_descriptor)
    attempt("trace", pid, trace)
    attempt("signal", pid, lambda of: os.kill(of, signal.SIGCONT))
print(json.dumps(done))
"""


@pytest.fixture
def open_place() -> Iterator[Path]:
    """Yield a folder that all accounts may enter; those of pytest are closed."""
    place = Path(tempfile.mkdtemp(prefix="fettle-there-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def test_another_account_there_reaches_nothing(bench: Elsewhere, inputs: Path, open_place: Path) -> None:
    """Given a job that runs there, When another account tries to list, read and change its files, to connect to its keeper,
    and to look into its processes, Then all is refused and the job ends well; its own account may do all of that."""
    python = shutil.which("python3", path="/usr/bin")
    if os.getuid() or python is None:
        pytest.skip("needs root, to become another account, and the Python of the system")
    bench.place = open_place / "workers"
    install(bench.place)
    other = pwd.getpwnam("nobody")
    accounts: dict[str, Any] = {"own": {}, "other": {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}}
    for name, account in accounts.items():
        client = bench.client()
        client.start(bench.visit(inputs, name))
        drive(client, lambda client=client: client.ready is not None and client.ready.state == "loaded")
        found = [bench.place, *(path for path in bench.place.rglob("*") if "versions" not in path.parts)]
        addresses = [str(path) for path in found if path.is_socket()]
        places = [str(path) for path in found if not path.is_socket()]
        pids = [one.pid for one in bench.processes]
        assert len(addresses) == 1 and len(pids) == 3 and any(place.endswith("/config.json") for place in places)
        done = subprocess.run(
            [python, "-I", "-c", INTRUDER], input=json.dumps([places, addresses, pids]), capture_output=True, text=True,
            check=True, **account,
        )  # fmt: skip
        possible = 2 * len(places) + len(addresses) + 7 * len(pids)
        assert len(json.loads(done.stdout)) == (possible if name == "own" else 0), done.stdout
        client.send(Request())
        (*_, last) = bench.finish(client)
        assert isinstance(last, Finished) or name == "own", last  # whose connection took the place of the relay's
    assert bench.left == []
