"""The page for a phone: its walls, its key, its end, and all that a device of the network may send."""

import json
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from phone_device import HOST, NAME, Device, put_bundle, result

from app.jobs.phone_page import VARIABLE, PhonePage, local_addresses
from workers.export.golden_json import as_json
from workers.pipeline.prepared import Prepared


@pytest.fixture
def page(tmp_path: Path) -> Iterator[PhonePage]:
    """A page that is open on loopback."""
    made = PhonePage(tmp_path / "phone")
    put_bundle(made.bundles / "v1")
    assert made.open("v1", HOST, lambda: False)
    yield made
    made.close()


def test_first_device_measures_once_and_a_second_is_refused(page: PhonePage) -> None:
    """Given an open page, Then only the first device with the key gets the files, and its result counts once; before,
    nothing but the start is given out."""
    first, second = Device(page.address), Device(page.address)
    assert page.state().state == "open"
    assert [first.ask("GET", path)[0] for path in ("/", "/page/", "/cases", "/page/web/model.js")] == [
        200,
        403,
        403,
        403,
    ]
    assert first.ask("POST", "/key", json.dumps({"key": "x" * 14}))[0] == 403
    assert first.enter() == 204 and page.state().state == "used"
    assert second.enter() == 403 and second.ask("GET", "/")[0] == 403
    assert b"already used" in second.ask("GET", "/")[1] and second.ask("GET", "/page/")[0] == 403
    assert first.ask("GET", "/")[0] == 303
    status, text = first.ask("GET", "/page/")
    assert status == 200 and b"measure.js" in text and b"connect-src 'self'" in text
    signs = page.state().signs
    assert first.ask("GET", "/page/web/model.js")[1] == (page.bundles / "v1" / "web" / "model.js").read_bytes()
    assert len(json.loads(first.ask("GET", "/cases")[1])) == len(result(page)["predictions"])
    assert first.ask("POST", "/progress", json.dumps({"done": 3, "total": 40}))[0] == 204
    assert (page.state().done, page.state().total, page.state().signs) == (3, 40, signs + 2)
    assert second.ask("POST", "/result", json.dumps(result(page)))[0] == 403
    assert first.ask("POST", "/result", json.dumps(result(page)))[0] == 200
    figures = page.state().figures
    assert (figures.browser, figures.median_ms, figures.n_times, figures.calls_each) == (
        NAME,
        4.0,
        3,
        7,
    )
    assert figures.n_alike == figures.n_predictions == len(result(page)["predictions"])
    assert first.ask("POST", "/result", json.dumps(result(page, times_ms=[1.0])))[0] == 409
    assert page.state().figures == figures


def test_garbage_is_refused_and_the_true_result_still_counts(page: PhonePage) -> None:
    """Given a device with a session, When it sends garbage, too much or another shape, Then each is refused by its
    status, and the result after them counts; other answers are counted as not alike."""
    device = Device(page.address)
    device.enter()
    good = result(page)
    one = good["predictions"][0]
    many = [*good["predictions"][1:]]
    for garbage in (
        b"\x80\x04K\x01.", b"{", b"[" * 100_000, json.dumps([1]), json.dumps({**good, "more": 1}),
        json.dumps({**good, "times_ms": []}), json.dumps({**good, "times_ms": [float("nan")]}),
        json.dumps({**good, "times_ms": [-1.0]}), json.dumps({**good, "times_ms": [1.0] * 501}),
        json.dumps({**good, "predictions": many}), json.dumps({**good, "predictions": [{**one, "dtype": "object"}, *many]}),
        json.dumps({**good, "predictions": [{**one, "shape": [1 << 30, 1 << 30]}, *many]}),
        json.dumps({**good, "predictions": [{**one, "shape": [1 << 31, 1 << 31, 0], "base64": ""}, *many]}),
        json.dumps({**good, "predictions": [{**one, "base64": "<script>"}, *many]}),
    ):  # fmt: skip
        assert device.ask("POST", "/result", garbage)[0] == 422, garbage[:80]
    assert device.ask("POST", "/result", b"x" * (1 << 20))[0] == 413
    assert device.ask("POST", "/progress", b" " * 5000)[0] == 413
    assert device.ask("POST", "/result", b"{}", **{"Content-Encoding": "gzip"})[0] == 415
    assert device.ask("GET", "/page/web/../manifest.json")[0] == 404
    assert device.ask("GET", "/page/", Host="evil.example")[0] == 421
    assert device.ask("POST", "/result", json.dumps(good), Origin="http://evil.example")[0] == 403
    assert page.state().state == "used"
    wrong = {**one, "base64": as_json(-Prepared(page.bundles / "v1" / "golden" / "answers")[0]["answer"])["base64"]}
    assert device.ask("POST", "/result", json.dumps({**good, "predictions": [wrong, *many]}))[0] == 200
    assert page.state().figures.n_alike == page.state().figures.n_predictions - 1


def test_endless_body_ends_at_the_limit(page: PhonePage) -> None:
    """Given a device that sends a body without a length, Then it is cut at the limit, and the process stays small."""
    device = Device(page.address)
    device.enter()
    with socket.create_connection((HOST, device.port), timeout=20) as line:
        head = f"POST /result HTTP/1.1\r\nHost: {HOST}:{device.port}\r\nCookie: {device.cookie}\r\n"
        line.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        chunk, sent = b"10000\r\n" + b"x" * 65536 + b"\r\n", 0
        try:
            while sent < 64 << 20:
                line.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass
    assert sent < 16 << 20
    assert page.is_open and device.ask("GET", "/page/")[0] == 200


def test_closed_page_listens_no_more(page: PhonePage) -> None:
    """Given an open page, When it is closed, Then its port refuses connections, and its process and key are gone."""
    device, process = Device(page.address), psutil.Process(page._child.pid)
    if sys.platform == "linux":
        assert "Seccomp:\t2" in Path(f"/proc/{process.pid}/status").read_text()
    page.close()
    assert not device.is_answered and not page.is_open
    assert not process.is_running() and not list(page.bundles.parent.glob("order*"))


def test_page_ends_with_the_program(page: PhonePage) -> None:
    """Given an open page, When the pipe from the program ends, as at its death, Then the page's process ends."""
    device, process = Device(page.address), psutil.Process(page._child.pid)
    page._child.stdin.close()
    assert page._child.wait(20) is not None and not device.is_answered and not process.is_running()


def test_page_ends_when_its_time_is_over(page: PhonePage) -> None:
    """Given a page for a second, Then it ends by itself, says so, and its port refuses connections."""
    assert page.open("v1", HOST, lambda: False, seconds=1.0)
    device, until_s = Device(page.address), time.monotonic() + 20
    while page.is_open and time.monotonic() < until_s:
        time.sleep(0.1)
    assert page.state().state == "over" and not device.is_answered


def test_taken_port_gives_the_next_one(page: PhonePage) -> None:
    """Given the port of the page taken by another program, Then the page opens at the next one."""
    port = Device(page.address).port
    page.close()
    with socket.create_server((HOST, port)):
        assert page.open("v1", HOST, lambda: False)
        assert Device(page.address).port != port and Device(page.address).ask("GET", "/")[0] == 200


def test_broken_bundle_opens_nothing(page: PhonePage) -> None:
    """Given a bundle without its golden inputs, Then nothing is opened, and a start that is stopped leaves nothing."""
    shutil.rmtree(page.bundles / "v1" / "golden")
    assert not page.open("v1", HOST, lambda: False) and not page.is_open
    with pytest.raises(InterruptedError):
        page.open("v1", HOST, lambda: True)
    assert not page.is_open


def test_only_addresses_of_the_local_network_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given networks of several kinds, Then only private addresses that others can reach are offered."""
    nets = {"lo": ["127.0.0.1"], "wlan0": ["192.168.7.4", "169.254.1.1"], "docker0": ["172.17.0.1"], "wan": ["8.8.4.4"]}
    monkeypatch.setattr(
        psutil, "net_if_addrs", lambda: {name: [_Entry(one) for one in all_] for name, all_ in nets.items()}
    )
    monkeypatch.setattr(psutil, "net_if_stats", lambda: {name: _Up() for name in nets})
    assert local_addresses({}) == ("192.168.7.4",)
    nets.pop("wlan0")
    assert local_addresses({}) == ()
    assert local_addresses({VARIABLE: HOST}) == (HOST,)


class _Up:
    isup = True


class _Entry:
    family = socket.AF_INET

    def __init__(self, address: str) -> None:
        self.address = address
