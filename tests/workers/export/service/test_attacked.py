"""A service that is attacked: thousands of connections at once, and pictures that are none."""

import io
import resource
import socket
import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from served_bundles import Served, export_params, start, stop
from test_hostile import ask
from web_pages import params_of, picture, pictures

from workers.export.python_folder import Contents, fill
from workers.export.service.target import COMMANDS, NEEDS, server_files, serving
from workers.measure.opening import find_runtime
from workers.runtime.recording import RecordingContext

ANSWER = "/v2/models/my-shop/answer"
FILES_OF_OWN = 500


@pytest.fixture(scope="module")
def sees(make_small, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The service of a classifier of pictures."""
    root = tmp_path_factory.mktemp("pictures")
    (root / "bundle").mkdir()
    facts = export_params(make_small("cnn")).facts
    params = params_of(pictures(), root / "made").model_copy(update={"facts": facts, "target": "service"})
    contents = Contents(COMMANDS, server_files(), NEEDS, {"serving": serving(params)})
    fill(root / "bundle", params, find_runtime(params.runtime), RecordingContext(root / "work"), contents)
    running = start(root / "bundle")
    yield running
    assert stop(running) == (0, "")


def png(width: int, height: int, content: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def good(kind: str) -> bytes:
    file = io.BytesIO()
    picture(1).save(file, kind)
    return file.getvalue()


BROKEN = {
    "nothing": lambda: b"",
    "a letter": lambda: b"Dear shop, this is no picture.",
    "half a PNG": lambda: good("PNG")[: len(good("PNG")) // 2],
    "half a JPEG": lambda: good("JPEG")[:300],
    "only a head": lambda: good("PNG")[:33],
    "a bomb": lambda: png(60_000, 60_000, zlib.compress(bytes(1 << 20))),
    "no pixels": lambda: png(0, 0, zlib.compress(b"")),
    "a drawing": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
}


@pytest.mark.parametrize("kind", list(BROKEN))
def test_a_broken_picture_is_told_and_the_next_is_answered(sees: Served, kind: str) -> None:
    """Given what is no whole picture, then status 400 in words, memory stays, and a good picture is answered."""
    assert ask(sees.port, "POST", ANSWER, good("PNG"))[0] == 200
    before = psutil.Process(sees.process.pid).memory_info().rss
    status, told, _ = ask(sees.port, "POST", ANSWER, BROKEN[kind]())
    assert status == 400 and told["error"] and "Traceback" not in told["error"]
    assert psutil.Process(sees.process.pid).memory_info().rss - before < 60 << 20
    status, told, _ = ask(sees.port, "POST", ANSWER, good("PNG"))
    assert status == 200 and told["answer"]


def room_for(count: int) -> int:
    """As many connections as this process may hold; its soft limit is raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + FILES_OF_OWN
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(count, soft - FILES_OF_OWN)


@pytest.fixture
def alone(cnn_bundle: Path) -> Iterator[Served]:
    """A server that nobody else asks; it stops well at the end, and complained of nothing."""
    running = start(cnn_bundle)
    yield running
    assert stop(running) == (0, "")


@pytest.mark.parametrize("count", [1_500, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_thousands_that_connect_and_say_nothing(alone: Served, count: int) -> None:
    """Given more connections than are taken, then each new client is let in and the oldest silent one is closed, a client
    that was answered before keeps its connection, memory stays, and silent clients are closed within seconds."""
    process = psutil.Process(alone.process.pid)
    before = process.memory_info().rss
    with ExitStack() as held:
        early = held.enter_context(socket.create_connection(("127.0.0.1", alone.port), 60))
        assert b" 200 " in _ready(early)
        crowd = []
        for number in range(room_for(count)):
            crowd.append(held.enter_context(socket.create_connection(("127.0.0.1", alone.port), 120)))
            assert number % 500 or b" 200 " in _ready(early)
        assert len(crowd) > 1_000
        assert len(process.net_connections()) <= 1_100
        assert ask(alone.port, "GET", "/v2/health/ready")[0] == 200
        assert b" 200 " in _ready(early)
        for one in (crowd[0], crowd[-1]):
            one.settimeout(60)
            assert _all_of(one) == b""
        assert process.memory_info().rss - before < 100 << 20
    _until_answered(alone)


def _ready(connection: socket.socket) -> bytes:
    connection.sendall(b"GET /v2/health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
    found = b""
    while not found.endswith(b"}") and (part := connection.recv(4096)):  # head and body may come apart
        found += part
    return found


def _all_of(connection: socket.socket) -> bytes:
    found = b""
    while part := connection.recv(4096):
        found += part
    return found


def _until_answered(served: Served) -> None:
    for _ in range(600):
        try:
            if ask(served.port, "GET", "/v2/health/ready")[0] == 200:
                return
        except OSError:
            continue
    raise AssertionError("nobody is answered any more")
