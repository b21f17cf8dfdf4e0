"""Test the variables that a worker process inherits, and the channel to it."""

import multiprocessing
import os
import struct
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from jobs_bench import HANDLERS, Bench

from app.jobs.environment import allowed, is_allowed
from app.jobs.fork_server import IS_OFFERED, ForkServer
from app.jobs.pool import WorkerPool
from workers.contracts.process.channel import BadFrameError, Channel, ChannelClosedError
from workers.contracts.process.messages import Finished, Limits

SECRETS = {
    "HF_TOKEN": "hf_secret",
    "HF_HUB_TOKEN": "hf_secret",
    "AWS_SECRET_ACCESS_KEY": "x",
    "GITHUB_TOKEN": "x",
    "OPENAI_API_KEY": "x",
    "NVIDIA_API_KEY": "x",
    "PGPASSWORD": "x",
    "SSH_AUTH_SOCK": "/tmp/agent",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1000/bus",
    "MY_PRIVATE_THING": "x",
}
PROXIES = {"HTTPS_PROXY": "http://me:password@proxy:3128", "http_proxy": "http://me:password@proxy:3128"}
NEEDED = {
    "OMP_PROC_BIND": "false",
    "KMP_BLOCKTIME": "0",
    "MKL_DEBUG_CPU_TYPE": "5",
    "CUDA_VISIBLE_DEVICES": "0",
    "LC_ALL": "C.UTF-8",
    "TOKENIZERS_PARALLELISM": "false",
    "CXX": "c++",
}


@pytest.fixture(params=["anew", *(["forked"] if IS_OFFERED else [])])
def make_bench(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Bench]:
    """Return a function that makes a pool whose workers are started anew, or forked by its own server."""

    def make() -> Bench:
        server = ForkServer(HANDLERS) if request.param == "forked" else None
        if server is not None:
            request.addfinalizer(server.close)
            assert server.is_idle(60)
        return Bench(tmp_path, WorkerPool(tmp_path / "jobs", job_kinds=HANDLERS, fork_server=server))

    return make


def names_of(bench: Bench, **more: Any) -> dict[str, set[str]]:
    _, messages = bench.run("secrets", **more)
    assert isinstance(messages[-1], Finished), messages[-1]
    return {when: set(names) for when, names in messages[-1].result["values"].items()}


def test_worker_inherits_only_allowed_variables(
    make_bench: Callable[[], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given secrets of many programs, When a job runs, Then its process never had them, and has the variables of
    runtimes."""
    for name, value in {**SECRETS, **PROXIES, **NEEDED}.items():
        monkeypatch.setenv(name, value)

    names = names_of(make_bench())

    assert names["now"] & {*SECRETS, *PROXIES} == set()
    assert names["born with"] & {*SECRETS, *PROXIES} == set()
    assert {*NEEDED, "PATH", "HOME", "OMP_NUM_THREADS", "TMPDIR"} <= names["now"]
    assert {name: os.environ[name] for name in SECRETS} == SECRETS, "the application keeps its variables"


def test_worker_with_network_inherits_the_proxy(
    make_bench: Callable[[], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a proxy with a password, When a job with network access runs, Then it has the proxy, and no secrets."""
    for name, value in {**SECRETS, **PROXIES}.items():
        monkeypatch.setenv(name, value)

    names = names_of(make_bench(), limits=Limits(network=True))

    assert names["now"] >= {*PROXIES}
    assert names["now"] & {*SECRETS} == set()


def test_allowed_variables_distinguish_no_case() -> None:
    """Given names in upper and lower case, Then the case does not matter and values are kept."""
    assert allowed({"SystemRoot": "C:\\Windows", "Path": "x", "Secret": "y"}, network=False) == {
        "SystemRoot": "C:\\Windows",
        "Path": "x",
    }
    assert is_allowed("https_proxy", network=True)
    assert not is_allowed("https_proxy", network=False)
    assert not is_allowed("PYTHON_KEYRING_PASSWORD", network=True)


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Connection]]:
    ours, theirs = multiprocessing.Pipe()
    channel = Channel(ours)
    yield channel, theirs
    channel.close()
    theirs.close()


def test_channel_has_the_format_of_multiprocessing(ends: tuple[Channel, Connection]) -> None:
    """Given messages of many sizes, Then both ends exchange them unchanged."""
    channel, theirs = ends
    assert channel.receive() is None
    for size in (0, 1, 16_383, 16_384, 100_000):
        theirs.send_bytes(b"x" * size)
        assert channel.receive() == b"x" * size
        channel.send(b"y" * size)
        assert theirs.recv_bytes() == b"y" * size


def test_a_part_of_a_message_waits_for_the_rest(ends: tuple[Channel, Connection]) -> None:
    channel, theirs = ends
    frame = struct.pack("!i", 5) + b"hello"
    for byte in frame[:-1]:
        os.write(theirs.fileno(), bytes([byte]))
        assert channel.receive() is None
    os.write(theirs.fileno(), frame[-1:] + frame)
    assert [channel.receive(), channel.receive(), channel.receive()] == [b"hello", b"hello", None]


def test_send_does_not_wait_for_the_reader(ends: tuple[Channel, Connection]) -> None:
    """Given 10 MB for a reader that sleeps, Then `send` returns at once, and everything arrives once it reads."""
    channel, theirs = ends
    channel.send(b"z" * 10_000_000)
    got = bytearray()
    while len(got) < 10_000_004:
        channel.flush()
        got += os.read(theirs.fileno(), 1 << 20)
    assert got[:4] == struct.pack("!i", 10_000_000)


def test_receive_returns_messages_sent_before_the_end(ends: tuple[Channel, Connection]) -> None:
    channel, theirs = ends
    theirs.send_bytes(b"last")
    theirs.close()
    assert channel.receive() == b"last"
    with pytest.raises(ChannelClosedError):
        channel.receive()
    with pytest.raises(ChannelClosedError):
        channel.send(b"x" * 1_000_000)


@pytest.mark.parametrize("length", [-1, -5, (64 << 20) + 1, 0x7FFFFFFF])
def test_receive_refuses_an_impossible_length(ends: tuple[Channel, Connection], length: int) -> None:
    channel, theirs = ends
    os.write(theirs.fileno(), struct.pack("!i", length))
    with pytest.raises(BadFrameError):
        channel.receive()
