"""Failures in words, waits as long as the hub asks for and no longer than makes sense."""

import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx2
import pytest

from workers.contracts.errors import JobCancelled
from workers.contracts.hub import HubAccess
from workers.contracts.process.disk import DiskFull
from workers.hub.client import origin
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
def test_each_failure_has_its_words(error: Exception, code: str, passes: bool) -> None:
    found: Any = translated(error, ACCESS)

    assert found.code == code
    assert is_passing(error) == passes
    assert found.detail.endswith(".")
    assert found.hint.endswith(".")


def test_what_is_told_already_or_none_of_the_hubs_stays() -> None:
    for error in (JobCancelled(), DiskFull(Path()), OSError(5, "input/output error"), RuntimeError("x")):
        assert translated(error, ACCESS) is error
    assert is_passing(RuntimeError("Cannot send a request, as the client has been closed."))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-1"}, None),
        ({}, None),
        ({"ratelimit": '"api";r=0;t=55'}, 55.0),
        ({"ratelimit": '"api";r=3;t=55'}, None),
        ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_how_long_the_hub_asks_to_wait(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(answered(429, **headers)) == expected


def test_a_date_to_wait_for() -> None:
    found = retry_after_s(answered(503, retry_after=formatdate(time.time() + 20, usegmt=True)))

    assert found is not None
    assert 17 <= found <= 21


def test_waits_grow_and_end() -> None:
    waits: list[float] = []
    patience = RetryPolicy(ACCESS, waits.append, lambda text: None)

    assert [patience.wait(Dropped()) for _ in range(4)] == [True, True, True, False]
    for wait_s, wanted_s in zip(waits, (1, 2, 4), strict=True):
        assert 0.8 * wanted_s <= wait_s <= 1.2 * wanted_s
    patience.reset()
    assert patience.wait(Dropped())


def test_a_wait_that_the_hub_asks_for_is_neither_shortened_nor_endless() -> None:
    waits: list[float] = []
    said: list[str] = []
    patience = RetryPolicy(ACCESS, waits.append, said.append)

    assert patience.wait(answered(429, retry_after="20"))
    assert waits == [20.0]
    assert said == ["Fettle asks the hub again in 20 seconds."]
    assert not patience.wait(answered(429, retry_after="31"))


def test_origins() -> None:
    assert origin("https://Hub.example/x") == ("https", "hub.example", 443)
    assert origin("http://[::1]:80/") == origin("http://[::1]")
