"""Build errors from failures, wait as the hub requests, and refuse redirects into this computer or its network."""

import socket
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx2
import pytest

from workers.contracts.errors import JobCancelled, WorkerError
from workers.contracts.hub import HubAccess
from workers.contracts.process.disk import DiskFull
from workers.hub import addresses
from workers.hub.addresses import Reach, reach_of
from workers.hub.client import _Guard, origin
from workers.hub.faults import Dropped, RetryPolicy, is_passing, retry_after_s, translated

ACCESS = HubAccess(endpoint="https://hub", retries=3, backoff_s=1.0, max_wait_s=30.0)


def answered(status: int, **headers: str) -> httpx2.HTTPStatusError:
    request = httpx2.Request("GET", "https://hub/x")
    response = httpx2.Response(
        status, headers={name.replace("_", "-"): text for name, text in headers.items()}, request=request
    )
    return httpx2.HTTPStatusError("", request=request, response=response)


@pytest.mark.parametrize(
    ("error", "code", "passes"),
    [
        (httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"), "hub_certificate", False),
        (httpx2.ConnectError("[Errno -2] Name or service not known"), "hub_unreachable", True),
        (httpx2.ConnectTimeout("timed out"), "hub_unreachable", True),
        (httpx2.ReadTimeout("timed out"), "hub_broke_off", True),
        (httpx2.RemoteProtocolError("incomplete"), "hub_broke_off", True),
        (httpx2.ProxyError("407 Proxy Authentication Required"), "hub_proxy", False),
        (httpx2.UnsupportedProtocol("file"), "hub_redirect", False),
        (httpx2.TooManyRedirects("many"), "hub_redirect", False),
        (httpx2.DecodingError("gzip"), "hub_garbage", False),
        (KeyError("id"), "hub_garbage", False),
        (RecursionError(), "hub_garbage", False),
        (Dropped(), "hub_broke_off", True),
    ],
)
def test_failure_becomes_an_error_with_its_code(error: Exception, code: str, passes: bool) -> None:
    found: Any = translated(error, ACCESS)

    assert found.code == code
    assert is_passing(error) == passes
    assert found.detail.endswith(".")
    assert found.hint.endswith(".")


def test_error_that_the_hub_did_not_cause_stays_unchanged() -> None:
    for error in (JobCancelled(), DiskFull(Path()), OSError(5, "input/output error"), RuntimeError("x")):
        assert translated(error, ACCESS) is error
    assert is_passing(RuntimeError("Cannot send a request, as the client has been closed."))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-1"}, None),
        ({"retry_after": "²".encode("latin-1")}, None),
        ({"retry_after": "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"}, None),
        ({}, None),
        ({"ratelimit": '"api";r=0;t=55'}, 55.0),
        ({"ratelimit": '"api";r=3;t=55'}, None),
        ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_retry_after_is_read_as_seconds_date_or_rate_limit(headers: dict[str, Any], expected: float | None) -> None:
    assert retry_after_s(answered(429, **headers)) == expected
    date_s = retry_after_s(answered(503, retry_after=formatdate(time.time() + 20, usegmt=True)))
    assert date_s is not None and 17 <= date_s <= 21


def test_retry_waits_grow_end_and_follow_the_hub() -> None:
    """Given no Retry-After, Then waits double and end; a requested wait is not shortened, and a long one ends them."""
    waits: list[float] = []
    logged: list[str] = []
    retry = RetryPolicy(ACCESS, waits.append, logged.append)

    assert [retry.wait(Dropped()) for _ in range(4)] == [True, True, True, False]
    for wait_s, wanted_s in zip(waits, (1, 2, 4), strict=True):
        assert 0.8 * wanted_s <= wait_s <= 1.2 * wanted_s
    retry.reset()
    logged.clear()
    assert retry.wait(answered(429, retry_after="20"))
    assert waits[-1] == 20.0 and logged == ["Fettle asks the hub again in 20 seconds."]
    assert not retry.wait(answered(429, retry_after="31"))


def test_origin_has_scheme_host_and_port() -> None:
    assert origin("https://Hub.example/x") == ("https", "hub.example", 443)
    assert origin("http://[::1]:80/") == origin("http://[::1]")


HERE = (
    "127.0.0.1", "127.9.9.9", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "0.0.0.0",
    "0", "0x0", "localhost", "LOCALHOST.", "a.localhost", "[::1]", "::1", "::", "[::ffff:127.0.0.1]", "::ffff:7f00:1",
    "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "169.254.169.254", "[fe80::1%eth0]", "fe80::1", "224.0.0.1",
    "255.255.255.255", "127.0.0.1.", "１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1", "::ffff:169.254.169.254",
)  # fmt: skip
PRIVATE = ("10.0.0.1", "10.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "0xc0a80101", "100.64.0.1", "fd00::1",
           "::ffff:10.0.0.1")  # fmt: skip
PUBLIC = ("8.8.8.8", "172.32.0.1", "2606:4700::1", "::ffff:8.8.8.8", "198.18.0.7", "1.1")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Replace name resolution by these names and addresses."""
    known = {
        "hub.example": "8.8.4.4",
        "cdn.example": "8.8.8.8",
        "inside.example": "127.0.0.1",
        "corp.example": "10.0.0.7",
        "other-corp.example": "10.0.0.8",
    }

    def resolve(host: str, *_: Any, **__: Any) -> list[Any]:
        if host not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(2, 1, 6, "", ("9.9.9.9", 0)), (2, 1, 6, "", (known[host], 0))]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", resolve)
    return known


@pytest.mark.parametrize(
    ("hosts", "reach"),
    [(HERE, Reach.HERE), (PRIVATE, Reach.PRIVATE), (PUBLIC, Reach.PUBLIC)],
    ids=["here", "near", "far"],
)
def test_reach_of_every_notation_is_that_of_the_address(
    names: dict[str, str], hosts: tuple[str, ...], reach: Reach
) -> None:
    """Given an address in decimal, octal, hexadecimal, short, mapped, or with foreign digits, Then it is recognized."""
    assert {host: reach_of(host) for host in hosts} == dict.fromkeys(hosts, reach)


def test_reach_of_a_name_is_the_narrowest_of_its_addresses(names: dict[str, str]) -> None:
    """Given names with a public address and another one, Then the narrower one counts; unknown names are left to the
    proxy."""
    found = {name: reach_of(name) for name in (*names, "unknown.example")}

    assert [name for name, reach in found.items() if reach is Reach.HERE] == ["inside.example"]
    assert [name for name, reach in found.items() if reach is Reach.PRIVATE] == ["corp.example", "other-corp.example"]
    assert found["unknown.example"] is Reach.PUBLIC


@pytest.mark.parametrize(
    ("endpoint", "target", "is_followed"),
    [
        ("https://hub.example", "https://cdn.example/file", True),
        ("https://hub.example", "https://127.1/file", False),
        ("https://hub.example", "https://0.0.0.0/file", False),
        ("https://hub.example", "https://inside.example/file", False),
        ("https://hub.example", "https://corp.example/file", False),
        ("https://hub.example", "https://[::ffff:10.0.0.1]/file", False),
        ("https://corp.example", "https://other-corp.example/file", True),
        ("https://corp.example", "https://corp.example:8443/file", True),
        ("https://corp.example", "https://169.254.169.254/file", False),
        ("https://corp.example", "https://localhost/file", False),
        ("http://127.0.0.1:9000", "http://localhost:9000/file", True),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9001/file", True),
    ],
)
def test_redirect_is_followed_only_to_what_the_hub_could_reach(
    names: dict[str, str], endpoint: str, target: str, is_followed: bool
) -> None:
    """Given a hub on the internet, in a company, or on this computer, Then it redirects only to hosts that at least as
    many computers reach."""
    guard = _Guard(endpoint)
    if is_followed:
        assert guard.check(f"{endpoint}/model", target) == target
        return
    with pytest.raises(WorkerError) as refused:
        guard.check(f"{endpoint}/model", target)
    assert refused.value.code == "hub_redirect"


def test_request_to_an_internal_address_is_not_sent(names: dict[str, str]) -> None:
    """Given a request that a redirect made in the library itself, Then its address is checked before it is sent."""
    import httpx2

    guard = _Guard("https://hub.example")
    for url in ("https://hub.example/model", "https://cdn.example/file"):
        guard.on_request(httpx2.Request("GET", url))
    with pytest.raises(WorkerError) as refused:
        guard.on_request(httpx2.Request("GET", "https://0x7f.1/file"))
    assert refused.value.code == "hub_redirect"
