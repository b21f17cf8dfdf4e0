"""Connections of the running server: none stays open because its client sends or reads next to nothing."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from served_bundles import ANSWER, INFER, Served, send_request
from served_bundles import running as served_while

from workers.export.service.bundle_files.fettle_service.connections import HEAD_S, STALL_S
from workers.export.service.bundle_files.fettle_service.server import KEEP_ALIVE_S

READY = b"GET /v2/health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n"
LATE_S = 50.0
"""Seconds: more than a server under load needs to close a connection, less than `KEEP_ALIVE_S` of an idle one."""
FILES_OF_OWN = 500
HEAD = f"POST {INFER} HTTP/1.1\r\nHost: localhost\r\n".encode()


@pytest.fixture(scope="module")
def running(cnn_bundle: Path) -> Iterator[Served]:
    with served_while(cnn_bundle, "--max-body-mb", "4") as found:
        yield found


def room_for(count: int) -> int:
    """As many connections as this process may hold; its soft limit is raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + FILES_OF_OWN
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(count, soft - FILES_OF_OWN)


def connected(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", served.port), 30)


def answer(connection: socket.socket) -> bytes:
    """Return one response with a Content-Length, and the bytes of the next one that came with it."""
    found = b""
    while b"\r\n\r\n" not in found:
        found += connection.recv(4096)
    head = found.lower().partition(b"\r\n\r\n")[0]
    whole = len(head) + 4 + int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(found) < whole:
        found += connection.recv(65536)
    return found


def wait_until_closed(connection: socket.socket) -> None:
    """Read until the server closes; raises TimeoutError if it does not."""
    connection.settimeout(LATE_S)
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass


BEGINNINGS = {
    "nothing": b"",
    "one byte": b"G",
    "half a head": HEAD,
    "one byte of the second request": READY + b"G",
    "a head after an answer": READY + HEAD,
    "a body announced": HEAD + b"Content-Length: 1000\r\n\r\n",
    "a part of a body": HEAD + b"Content-Length: 1000\r\n\r\n{",
    "a part of a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    "a body of what takes none": b"GET /v2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n",
    "a body that is refused": b"POST /v2 HTTP/1.1\r\nHost: strange\r\nContent-Length: 1000\r\n\r\n",
}


@pytest.mark.whole
def test_connections_with_half_a_request_are_closed(running: Served) -> None:
    """Given clients that send a part of a first or second request and then nothing, Then each is closed sooner than an
    idle one."""
    with ExitStack() as held:
        waiting = []
        for beginning in BEGINNINGS.values():
            one = held.enter_context(connected(running))
            one.sendall(beginning)
            waiting.append(one)
        for one in waiting:
            wait_until_closed(one)


@pytest.mark.whole
def test_idle_connection_stays_open_longer_than_one_that_trickles(running: Served) -> None:
    """Given a client that sends its second request byte by byte, and one that pauses for longer, Then the first is closed
    before its request is whole, and the other's connection serves its next requests."""
    with connected(running) as idle, connected(running) as one:
        for connection in (idle, one):
            connection.sendall(READY)
            assert b" 200 " in answer(connection)
        one.settimeout(HEAD_S / 5)
        for byte in READY[:-1]:
            try:
                one.send(bytes([byte]))
                if one.recv(10) == b"":
                    break
            except TimeoutError:
                pass
            except ConnectionError:
                break
        else:
            pytest.fail("a client that trickles was not closed")
        idle.sendall(READY + READY)  # two at once
        responses = answer(idle)
        while responses.count(b" 200 OK") < 2:
            responses += idle.recv(4096)


@pytest.mark.parametrize("count", [1_500, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_full_service_closes_the_oldest_silent_connection(running: Served, count: int) -> None:
    """Given more connections than are taken, silent or with bodies that do not come, Then each new client is answered,
    a client that was answered before keeps its connection, memory stays, and silent clients are closed."""
    process = psutil.Process(running.process.pid)
    before = process.memory_info().rss

    def ready(connection: socket.socket) -> bool:
        connection.sendall(READY)
        return b" 200 " in answer(connection)

    with ExitStack() as held:
        early, crowd = held.enter_context(connected(running)), []
        assert ready(early)
        for number in range(room_for(count)):
            crowd.append(held.enter_context(connected(running)))
            crowd[-1].sendall(HEAD + b"Content-Length: 4000000\r\n\r\n" if number % 2 else b"")
            assert number % 500 or ready(early)
        assert len(crowd) > 1_000 and len(process.net_connections()) <= 1_100
        assert send_request(running.port, "GET", "/v2/health/ready")[0] == 200 and ready(early)
        wait_until_closed(crowd[0])
        wait_until_closed(crowd[-1])
        assert process.memory_info().rss - before < 100 << 20


NO_HTTP = [
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET\r\n\r\n",
    b"\0" * 100 + b"\r\n\r\n",
    READY.replace(b"Host: localhost", b"Host: localhost\r\nHost: strange"),
    HEAD + b"Content-Length: -1\r\n\r\n",
    HEAD + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    HEAD + b"Content-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\n",
    READY + b"\xff\xff\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000,
    b"POST /v2 HTTP/1.1\r\nHost: strange\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
]


@pytest.mark.parametrize("content", NO_HTTP, ids=range(len(NO_HTTP)))
def test_invalid_http_is_refused_without_output(running: Served, content: bytes) -> None:
    """Given bytes that are no HTTP, Then 400 in the protocol's form or an end, nothing on standard error."""
    with connected(running) as one:
        one.sendall(content)
        one.settimeout(30)
        found = b""
        try:
            while part := one.recv(65536):
                found += part
        except ConnectionError:
            pass
    assert b" 500 " not in found
    assert b" 400 " not in found or b'{"error": "' in found


@pytest.mark.slow
def test_client_that_does_not_read_is_closed(running: Served, cnn_bundle: Path) -> None:
    """Given clients that ask without reading the answers, Then the server closes and forgets them."""
    process = psutil.Process(running.process.pid)
    with ExitStack() as held:
        for _ in range(5):
            one = held.enter_context(connected(running))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.setblocking(False)
            metrics = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
            try:
                for _ in range(2_000):
                    one.send(metrics)
            except BlockingIOError:
                pass
        end_s = time.monotonic() + KEEP_ALIVE_S + 2 * STALL_S
        while [one for one in process.net_connections() if one.status == "ESTABLISHED"]:
            assert time.monotonic() < end_s
            time.sleep(1)
        assert send_request(running.port, "POST", ANSWER)[0] == 400
