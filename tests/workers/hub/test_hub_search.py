"""Search a fake hub with the real client."""

from collections.abc import Callable
from typing import Any

import pytest
from fakehub import Answer, FakeHub
from recording import RecordingContext

from workers.contracts.errors import WorkerError
from workers.contracts.hub import HubAccess, HubQuery, HubSearchParams, HubSearchResult
from workers.hub.page import cursor_of, search

Find = Callable[..., HubSearchResult]


@pytest.fixture
def find(access: Callable[..., HubAccess], ctx: RecordingContext) -> Find:
    """Search with the real client."""
    return lambda token=None, **query: search(HubSearchParams(access=access(token=token), query=HubQuery(**query)), ctx)


def refusal(find: Find) -> WorkerError:
    with pytest.raises(WorkerError) as refused:
        find()
    return refused.value


def repos(found: HubSearchResult) -> list[str]:
    return [model.repo for model in found.models]


def test_search_pages_follow_by_their_cursor(fake: FakeHub, find: Find) -> None:
    """Given five models and pages of two, whose links name another host, Then all are found, through the hub alone."""
    found, cursor = [], None
    for _ in range(3):
        page = find(token="hf_secret", sort="downloads", cursor=cursor)
        found += repos(page)
        cursor = page.next_cursor

    assert found == ["ann/pictures", "ann/texts", "bob/old", "bob/closed", "eve/big"]
    assert cursor is None
    assert {seen.host for seen in fake.seen} == {f"127.0.0.1:{fake.port}"}
    assert {seen.token for seen in fake.seen} == {"Bearer hf_secret"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"text": "PICT"}, ["ann/pictures"]),
        ({"task": "image-classification", "sort": "downloads"}, ["ann/pictures", "bob/old"]),
        ({"license": "mit"}, ["ann/texts"]),
        ({"library": "transformers.js"}, ["ann/pictures"]),
        ({"library": "transformers.js", "license": "mit"}, []),
        ({"text": "nothing like it"}, []),
    ],
)
def test_search_filters_by_text_task_license_and_library(
    find: Find, query: dict[str, Any], expected: list[str]
) -> None:
    assert repos(find(**query)) == expected


def test_search_row_has_the_facts_of_the_hub(find: Find) -> None:
    row, old, closed = (find(text=text).models[0] for text in ("pictures", "old", "closed"))
    assert (old.formats, old.safe_format, old.size_bytes) == (("pickle",), False, None)
    assert closed.gated and not row.gated

    assert (row.task, row.library, row.author, row.license) == (
        "image-classification", "transformers.js", "ann", "apache-2.0",
    )  # fmt: skip
    assert (row.downloads, row.likes, row.size_bytes) == (900, 7, 4016)
    assert row.formats == ("onnx",) and row.safe_format
    assert row.updated_at == "2026-01-02T00:00:00+00:00"
    assert row.verdict is not None and row.verdict.word == "ok"


@pytest.mark.parametrize(
    "body",
    [b"<html>Log in to the hotel</html>", b"", b"{}", b"[1]", b'[{"no": "id"}]', b"\xff\xfe", b"[" * 5000],
)
def test_search_with_garbage_is_refused(fake: FakeHub, find: Find, body: bytes) -> None:
    fake.answers = [Answer("/api/models", 200, body=body, times=9)]

    assert refusal(find).code == "hub_garbage"


def test_search_row_with_odd_values_is_made_harmless(fake: FakeHub, find: Find) -> None:
    """Given a model whose name leads elsewhere and one with odd values, Then the first is left out."""
    rows = (
        b'[{"id": "../../etc"}, {"id": "a/b", "likes": "many", "downloads": -1, "pipeline_tag": {"x": 1}, '
        b'"author": "\\u202eevil", "tags": [1, "license:mit"], "safetensors": {"parameters": {"Q9": 1}, "total": 1}}]'
    )
    fake.answers = [Answer("/api/models", 200, body=rows)]

    (row,) = find().models

    assert (row.repo, row.likes, row.downloads, row.task, row.size_bytes) == ("a/b", 0, 0, None, None)
    assert row.author == "�evil"


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [(401, "hub_log_in", 3), (403, "hub_forbidden", 3), (404, "hub_not_found", 3), (400, "hub_refused", 3),
     (429, "hub_busy", 6), (500, "hub_failed", 6), (503, "hub_failed", 6)],
)  # fmt: skip
def test_search_that_the_hub_refuses_has_an_error_code(
    fake: FakeHub, find: Find, status: int, code: str, exit_code: int
) -> None:
    fake.answers = [Answer("/api/models", status, times=9)]

    error = refusal(find)
    assert (error.code, error.exit_code) == (code, exit_code)
    assert len(fake.seen) == (3 if status == 429 or status >= 500 else 1), "tried again only where it may help"
    fake.answers = [Answer("/api/models", 503), Answer("/api/models", 429, {"Retry-After": "0"})]
    assert repos(find(text="texts")) == ["ann/texts"]


def test_search_redirect_to_another_host_gets_no_token(fake: FakeHub, find: Find) -> None:
    """Given a hub that redirects a search to another host, Then the request there has no token."""
    other = f"http://localhost:{fake.port}/api/models?search=texts"
    fake.answers = [Answer("/api/models", 302, {"Location": other})]

    assert repos(find(token="hf_secret", text="texts")) == ["ann/texts"]
    assert [(seen.host.split(":")[0], seen.token) for seen in fake.seen] == [
        ("127.0.0.1", "Bearer hf_secret"),
        ("localhost", None),
    ]


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "javascript:alert(1)", "http://[x", "/api/models"]
)
def test_search_redirect_to_no_host_or_in_a_circle_is_refused(fake: FakeHub, find: Find, target: str) -> None:
    fake.answers = [Answer("/api/models", 302, {"Location": target}, times=99)]

    assert refusal(find).code == "hub_redirect"
    assert len(fake.seen) <= 7


def test_search_in_offline_mode_sends_nothing(fake: FakeHub, find: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert refusal(find).code == "hub_offline"
    assert fake.seen == []


def test_search_sends_nothing_about_the_computer(fake: FakeHub, find: Find) -> None:
    find(text="texts")

    (seen,) = fake.seen
    assert "torch" not in seen.headers["user-agent"]
    assert set(seen.headers) <= {"host", "accept", "accept-encoding", "connection", "user-agent"}


def test_cursor_is_read_from_the_next_address() -> None:
    assert cursor_of(None) is None
    assert cursor_of("https://h/api/models?limit=2&cursor=abc%3D") == "abc="
    assert cursor_of("https://h/api/models?skip=2") is None
