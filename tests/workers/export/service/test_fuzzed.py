"""The running service under generated requests: from its OpenAPI document, and broken ones as raw bytes.

Nothing may be answered by a status that the document does not name, take long, fill the memory, or end the service.
"""

import contextlib
import json
import random
import socket
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import hypothesis
import psutil
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from served_bundles import ANSWER, INFER, KEY, LOAD, Served, item_of, request, running, send_request

SHORT_S, LONG_S = 4.0, 1_800.0
"""In the ordinary run, and each of the long ones: an hour together."""
MOST_S, MOST_GROWTH_BYTES = 20.0, 250 << 20
BATCH = 40
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
TIMES = [
    pytest.param(SHORT_S, marks=pytest.mark.whole),
    pytest.param(LONG_S, marks=[pytest.mark.slow, pytest.mark.timeout(2 * LONG_S)]),
]


@contextlib.contextmanager
def watched(bundle: Path, *options: str) -> Iterator[Served]:
    """A service that has to be as alive, quiet and small in the end as it was at the start, and to answer the same."""
    with running(bundle, *options) as served:
        process, first = psutil.Process(served.process.pid), golden(served)
        before = process.memory_info().rss
        yield served
        assert golden(served) == first
        assert process.memory_info().rss - before < MOST_GROWTH_BYTES


def golden(served: Served) -> list[object]:
    """The service's outputs for its golden inputs."""
    bodies = [request(item_of(served.folder, number)) for number in range(20)]
    return [send_request(served.port, "POST", INFER, body, {"X-API-Key": KEY})[1]["outputs"] for body in bodies]


def for_seconds(seconds: float, test: Callable[[], None]) -> None:
    """Run a Hypothesis test with one seed after the other."""
    end_s, seed = time.monotonic() + seconds, random.randrange(1 << 30)
    once = settings(
        max_examples=BATCH, deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck)
    )(test)
    while time.monotonic() < end_s:
        hypothesis.seed(seed)(once)()
        seed += 1


@pytest.mark.parametrize("seconds", TIMES)
def test_requests_that_the_document_describes(cnn_bundle: Path, key_file: Path, seconds: float) -> None:
    """Given requests that schemathesis makes of the service's own document, Then each is answered as documented."""
    with watched(cnn_bundle, "--api-key-file", str(key_file)) as served, requests.Session() as session:
        headers = {"Authorization": f"Bearer {KEY}"}
        schema = schemathesis.openapi.from_url(f"http://{served.address}/openapi.json", headers=headers)
        operations = [found.ok() for found in schema.get_all_operations()]
        assert len(operations) >= 15

        made = [one.as_strategy(generation_mode=mode) for one in operations for mode in MODES if is_made(one, mode)]

        @given(st.one_of(made), st.booleans())
        def one(case: schemathesis.Case, is_known: bool) -> None:
            if is_known and "name" in case.path_parameters:
                case.path_parameters["name"] = "my-shop"
            response = case.call(session=session, headers=headers, timeout=MOST_S)
            statuses = case.operation.definition.raw["responses"]
            assert str(response.status_code) in statuses, (response.status_code, response.text[:200])
            if response.status_code >= 400:
                assert response.json()["error"]

        for_seconds(seconds, one)


def is_made(operation: schemathesis.APIOperation, mode: schemathesis.GenerationMode) -> bool:
    """Whether there is something to do wrong: a path without parameters and body takes every request."""
    return mode is schemathesis.GenerationMode.POSITIVE or "requestBody" in operation.definition.raw


NUMBERS = st.sampled_from(["0", "-1", "1e400", "9" * 30, "NaN", "1.5", '"x"', "null", "[]", "true", "1e300"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def broken(draw: st.DrawFn, right: bytes) -> list[bytes]:
    """A request that was right until it was changed at up to six places, in the parts that are sent one after the other."""
    content = bytearray(right)
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(content)))
        size = draw(st.integers(0, 60))
        what = draw(st.sampled_from(["insert", "delete", "double", "number", "line"]))
        if what == "insert":
            content[at:at] = draw(st.binary(max_size=40))
        elif what == "delete":
            del content[at : at + size]
        elif what == "double":
            content[at:at] = content[at : at + size] * draw(st.integers(1, 50))
        elif what == "number":
            content[at : at + draw(st.integers(0, 4))] = draw(NUMBERS).encode()
        else:
            content[at:at] = draw(st.sampled_from([b"\r\n", b"\n", b"\0", b"\r\n\r\n", b": ", b"\xff"]))
    cuts = sorted(draw(st.lists(st.integers(0, len(content)), max_size=3)))
    ends = [0, *cuts, len(content)]
    return [bytes(content[start:end]) for start, end in pairwise(ends)]


def right_requests(bundle: Path) -> list[bytes]:
    """Whole requests of each kind."""
    name, values = item_of(bundle)
    entry = {"name": name, "datatype": "FP32", "shape": list(values.shape)}
    entry["parameters"] = {"binary_data_size": values.nbytes}
    head = json.dumps({"inputs": [entry]}).encode()
    example = (bundle / "golden" / "example.npz").read_bytes()
    return [
        b"GET /v2 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        posted(INFER, request((name, values))),
        posted(INFER, head + values.tobytes(), f"Inference-Header-Content-Length: {len(head)}\r\n"),
        posted(ANSWER, example),
        posted(LOAD, b'{"parameters": {"path": "/nowhere"}}'),
        b"POST /v2/repository/index HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ]


def posted(path: str, body: bytes, more: str = "") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


def statuses_of(served: Served, parts: list[bytes], patience_s: float) -> list[int]:
    """Return the statuses of all answers to the sent bytes; a client that waits for the rest of its request leaves."""
    found = b""
    with socket.create_connection(("127.0.0.1", served.port), MOST_S) as connection:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
            connection.settimeout(patience_s)
            while piece := connection.recv(65536):
                found += piece
        return [int(line[9:12]) for line in found.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


@pytest.mark.parametrize("seconds", TIMES)
def test_broken_requests_in_raw_bytes(cnn_bundle: Path, seconds: float) -> None:
    """Given requests with changed bytes, in parts, whose clients leave, Then none gives an internal error."""
    rights = right_requests(cnn_bundle)
    with watched(cnn_bundle) as served:

        @given(st.one_of([broken(right) for right in rights]))
        def one(parts: list[bytes]) -> None:
            with contextlib.suppress(TimeoutError):
                assert not [status for status in statuses_of(served, parts, 0.05) if status >= 500]

        for_seconds(seconds * 0.6, one)

        @given(st.sampled_from([INFER, ANSWER, LOAD]), JSON, JSON)
        def any_json(path: str, document: object, data: object) -> None:
            right = request(item_of(cnn_bundle), data=data)
            for body in (
                json.dumps(document).encode(),
                right,
                json.dumps({"inputs": data, "outputs": document}).encode(),
            ):
                assert send_request(served.port, "POST", path, body, served.may_load)[0] in (200, 400, 409, 422)

        for_seconds(seconds * 0.4, any_json)
