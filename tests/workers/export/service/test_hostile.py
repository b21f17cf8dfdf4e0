"""What may not hurt the running server: strange hosts, pages, keys, sizes, shapes, numbers, and clients that leave."""

import json
import socket
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from served_bundles import ANSWER, INFER, Served, request, send_request


def test_a_right_request_is_answered(served: Served, item) -> None:
    """Given the request that the others change, then it is answered with its id and finite numbers."""
    status, report, _ = send_request(served.port, "POST", INFER, request(item))
    assert (status, report["id"], report["model_name"]) == (200, "7", "my-shop")
    assert np.isfinite(report["outputs"][0]["data"]).all()


WRONG_INPUTS = {
    "dtype": ({"datatype": "FP64"}, "FP64, and the model takes FP32"),
    "no dtype": ({"datatype": None}, "inputs.0.datatype"),
    "shape": ({"shape": [1, 1, 1, 1]}, "has the shape"),
    "fewer axes": ({"shape": [3]}, "has the shape"),
    "negative shape": ({"shape": [-1, 3, 8, 8]}, "inputs.0.shape"),
    "words as shape": ({"shape": "wide"}, "inputs.0.shape"),
    "fractions as shape": ({"shape": [1.0, 3, 8, 8]}, "inputs.0.shape"),
    "fewer numbers": ({"data": [1.0]}, "has 1 numbers"),
    "words": ({"data": ["a"]}, "are something else"),
    "truth": ({"data": [True]}, "are something else"),
    "nothing": ({"data": None}, "no list"),
    "ragged lists": ({"data": [[1.0], [1.0, 2.0]]}, "different lengths"),
    "another name": ({"name": "strange"}, "the model has no input 'strange'"),
    "no name": ({"name": 7}, "inputs.0.name"),
    "binary that is not there": ({"parameters": {"binary_data_size": 4}}, "bytes of binary data"),
    "negative binary": ({"parameters": {"binary_data_size": -4}}, "binary_data_size"),
    "parameters": ({"parameters": "x"}, "inputs.0.parameters"),
}


@pytest.mark.parametrize(("change", "expected"), WRONG_INPUTS.values(), ids=list(WRONG_INPUTS))
def test_a_wrong_input_is_the_protocols_error(served: Served, item, change: dict, expected: str) -> None:
    """Given an input that does not fit the model, then status 400 and the error, in the protocol's form."""
    status, found, _ = send_request(served.port, "POST", INFER, request(item, **change))
    assert status == 400 and expected in found["error"]


@pytest.mark.parametrize("number", [float("nan"), "NaN"])
def test_nan_goes_in_neither_way(served: Served, item, number: object) -> None:
    """Given a NaN, in JSON or as a word, then it is refused."""
    data = item[1].ravel().tolist()
    data[3] = number
    status, found, _ = send_request(served.port, "POST", INFER, request(item, data=data))
    assert status == 400 and ("NaN" in found["error"] or "something else" in found["error"])


WRONG_BODIES = {
    "nothing": (b"", {}, 400),
    "no JSON": (b"\xff\xfe{", {}, 400),
    "a list": (b"[]", {}, 400),
    "no inputs": (b"{}", {}, 400),
    "inputs of nothing": (b'{"inputs": []}', {}, 400),
    "deep lists": (b'{"inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", {}, 400),
    "a header beyond the body": (b"{}", {"Inference-Header-Content-Length": "999"}, 400),
    "a header of words": (b"{}", {"Inference-Header-Content-Length": "-1"}, 400),
    "packed": (b"x", {"Content-Encoding": "gzip"}, 415),
}


@pytest.mark.parametrize(("body", "headers", "status"), WRONG_BODIES.values(), ids=list(WRONG_BODIES))
def test_a_wrong_body_is_refused(served: Served, body: bytes, headers: dict[str, str], status: int) -> None:
    """Given a body that is no request, then an error in words and never the server's own failure."""
    found, report, _ = send_request(served.port, "POST", INFER, body, headers)
    assert (found, bool(report["error"])) == (status, True)


def test_other_names_versions_paths_and_outputs(served: Served, item) -> None:
    """Given a model, version, path or output that is not there, then 404 or 400 in the protocol's form."""
    body = request(item)
    for path in ("/v2/models/another/infer", "/v2/models/my-shop/versions/9/infer", "/v2/nowhere", "/../../etc/passwd"):
        status, report, _ = send_request(served.port, "POST", path, body)
        assert status == 404 and report["error"]
    other = {**json.loads(body), "outputs": [{"name": "x"}]}
    status, report, _ = send_request(served.port, "POST", INFER, json.dumps(other).encode())
    assert status == 400 and "no output 'x'" in report["error"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200), ("localhost:1234", 200), ("LOCALHOST", 200), ("[::1]:8000", 200),
        ("stranger.example", 421), ("127.0.0.1.stranger.example", 421), ("localhost@stranger.example", 421),
        ("192.168.0.7:8000", 421), ("[::1", 421), ("", 421),
    ],
)  # fmt: skip
def test_service_answers_only_under_allowed_names(served: Served, host: str, status: int) -> None:
    """Given a name that leads here by DNS rebinding, or none, then nothing is answered, whatever the path."""
    for path in ("/v2", "/metrics", "/"):
        assert send_request(served.port, "GET", path, headers={"Host": host})[0] == status


@pytest.mark.parametrize(
    "origin", ["https://stranger.example", "null", "http://localhost.stranger.example", "http://127.0.0.1:1"]
)
def test_pages_of_strangers_may_not_ask(served: Served, item, origin: str) -> None:
    """Given a page of another site, then its request is refused before it is read, and it is let read nothing."""
    body = request(item)
    status, _, headers = send_request(
        served.port, "POST", INFER, body, {"Origin": origin, "Content-Type": "text/plain"}
    )
    assert status == 403 and "access-control-allow-origin" not in headers
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    assert send_request(served.port, "OPTIONS", INFER, headers=preflight)[0] == 403


def test_its_own_page_may_ask(served: Served, item) -> None:
    """Given the service's own page, then it may ask; the page loads nothing from elsewhere and may not be framed."""
    own = {"Origin": f"http://127.0.0.1:{served.port}", "Host": f"127.0.0.1:{served.port}"}
    assert send_request(served.port, "POST", INFER, request(item), own)[0] == 200
    status, page, headers = send_request(served.port, "GET", "/")
    assert status == 200 and "http" not in page.replace("http-equiv", "") and "src=" not in page
    assert "default-src 'none'" in headers["content-security-policy"] and headers["x-frame-options"] == "DENY"


def test_a_body_that_is_too_large_is_not_read(served: Served) -> None:
    """Given more than 32 MiB, announced or not, then 413, and the server's memory stays."""
    before = psutil.Process(served.process.pid).memory_info().rss
    status, report, _ = send_request(served.port, "POST", INFER, headers={"Content-Length": str(1 << 40)})
    assert status == 413 and "33,554,432 bytes" in report["error"]
    with socket.create_connection(("127.0.0.1", served.port), 30) as endless:
        endless.sendall(f"POST {ANSWER} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        piece = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
        sent = 0
        try:
            while sent < 200:
                endless.sendall(piece)
                sent += 1
        except OSError:  # it hung up
            pass
        assert sent < 200
    assert psutil.Process(served.process.pid).memory_info().rss - before < 120 << 20
    assert send_request(served.port, "GET", "/v2/health/ready")[0] == 200


def test_clients_that_leave_in_the_middle_leave_nothing_behind(served: Served, item) -> None:
    """Given 200 clients that hang up in the head, in the body, or before the answer, then the server answers on, with no
    connection left open."""
    body = request(item)
    head = f"POST {INFER} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    for number in range(200):
        with socket.create_connection(("127.0.0.1", served.port), 10) as one:
            one.sendall((head[:30], head + body[:50], head + body)[number % 3])
    assert send_request(served.port, "POST", INFER, body)[0] == 200
    end_s = time.monotonic() + 30
    process = psutil.Process(served.process.pid)
    while [one for one in process.net_connections() if one.status == "ESTABLISHED"]:
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_answers_as_people_read_them(served: Served, cnn_bundle: Path) -> None:
    """Given a file of arrays as a person has it, then class and shares; given rubbish, the error in words."""
    body = (cnn_bundle / "golden" / "example.npz").read_bytes()
    status, report, _ = send_request(served.port, "POST", ANSWER, body)
    assert status == 200 and report["answer"] in report["scores"] and sum(report["scores"].values()) <= 1.001
    for rubbish in (b"", b"PK\x03\x04 rubbish", b"no arrays"):
        status, report, _ = send_request(served.port, "POST", ANSWER, rubbish)
        assert status == 400 and report["error"], rubbish


def test_a_request_that_comes_again_is_not_computed_again(served: Served, item) -> None:
    """Given the same request twice, then the second is answered from what was kept, alike, and counted."""
    body = request(item, data=np.linspace(-1, 1, item[1].size).tolist())
    first = send_request(served.port, "POST", INFER, body)[1]
    hits = metric(served, "fettle_cache_hits")
    assert send_request(served.port, "POST", INFER, body)[1] == first
    assert metric(served, "fettle_cache_hits") == hits + 1
    assert 0 < metric(served, "fettle_cache_hit_ratio") < 1
    assert metric(served, 'fettle_requests_total{path="infer",status="200"}') > 1
    assert metric(served, 'fettle_requests_total{path="infer",status="400"}') > 1


def metric(served: Served, name: str) -> float:
    text = send_request(served.port, "GET", "/metrics")[1]
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} "))
