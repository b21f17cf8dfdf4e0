"""Show one repository with its card and files, and every refusal and fault of a hub."""

import gzip
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from fakehub import Answer, FakeHub
from recording import RecordingContext

from workers.contracts.errors import WorkerError
from workers.contracts.hub import HubAccess, HubModelParams, HubModelResult
from workers.hub import client
from workers.hub.page import look


@pytest.fixture
def see(access: Callable[..., HubAccess], ctx: RecordingContext) -> Callable[..., HubModelResult]:
    def one(repo: str = "ann/pictures", token: str | None = None, **more: Any) -> HubModelResult:
        return look(HubModelParams(access=access(token=token), repo=repo, **more), ctx)

    return one


def refusal(see: Callable[..., HubModelResult], **more: Any) -> WorkerError:
    with pytest.raises(WorkerError) as caught:
        see(**more)
    return caught.value


def test_page_of_a_repository_has_card_files_and_license(fake: FakeHub, see: Callable[..., HubModelResult]) -> None:
    found, repo = see(), fake.repos["ann/pictures"]

    assert (found.commit, found.revision, found.license, found.author) == (repo.sha, "main", "apache-2.0", "ann")
    assert found.card == "# Pictures\n\nTells pictures apart.\n", "without its front matter"
    assert [file.name for file in found.wanted] == [
        "README.md", "config.json", "onnx/model.onnx", "preprocessor_config.json",
    ]  # fmt: skip
    assert found.total_bytes == sum(len(repo.files[file.name].data) for file in found.wanted)
    by_name = {file.name: file for file in found.wanted}
    assert by_name["onnx/model.onnx"].sha256 == repo.files["onnx/model.onnx"].sha256
    assert by_name["config.json"].git_oid == repo.files["config.json"].git_oid
    assert (found.safe, found.needs_consent, found.main, found.gated) == (True, False, None, False)
    assert found.verdict is not None
    other = see(revision=repo.sha, patterns=("*quantized*",))
    assert [file.name for file in other.wanted] == ["onnx/model_quantized.onnx"]


def test_page_of_pickles_needs_consent(see: Callable[..., HubModelResult]) -> None:
    assert see("bob/old").needs_consent
    assert [file.name for file in see("bob/old", allow_pickle=True).wanted] == ["config.json", "pytorch_model.bin"]


def test_page_of_a_gated_model_gives_three_steps(fake: FakeHub, see: Callable[..., HubModelResult]) -> None:
    """Given conditions to accept, Then a user without a token or permission gets three steps, and one with permission
    gets the page."""
    fake.users = {"good": "ann"}

    stranger, unknown = refusal(see, repo="bob/closed"), refusal(see, repo="bob/closed", token="other")
    assert {stranger.code, unknown.code} == {"hub_gated"}
    for step in ("1. Open", "2. Read", "3. Create a token", f"{fake.endpoint}/bob/closed"):
        assert step in stranger.hint
    assert "3. Ask again" in unknown.hint
    assert see("bob/closed", token="good").gated


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"repo": "ann/none"}, "hub_not_found"),
        ({"revision": "v9"}, "hub_no_revision"),
        ({"revision": "../x"}, "hub_no_revision"),
        ({"repo": "../etc/passwd"}, "hub_bad_name"),
        ({"repo": "a/b/c"}, "hub_bad_name"),
        ({"repo": "http://x/y"}, "hub_bad_name"),
        ({"repo": ""}, "hub_bad_name"),
        ({"repo": "a/b?x=1"}, "hub_bad_name"),
    ],
)
def test_page_of_an_impossible_or_missing_repository_is_refused(
    see: Callable[..., HubModelResult], wanted: dict[str, Any], code: str
) -> None:
    error = refusal(see, **wanted)

    assert (error.code, error.exit_code) == (code, 3)


def test_refused_token_is_reported_without_its_text(fake: FakeHub, see: Callable[..., HubModelResult]) -> None:
    fake.answers = [Answer("/api/models/ann", 401)]
    error = refusal(see, token="hf_secret")

    assert error.code == "hub_bad_token"
    assert "hf_secret" not in f"{error} {error.hint}"


@pytest.mark.parametrize(
    "name",
    [
        "../x.onnx", "/abs.onnx", "C:/x.onnx", "a\\x.onnx", "a/../../x", "", "nul\0.onnx", "x" * 300, "\u202exnno.exe",
        "./config.json",
    ],
)  # fmt: skip
def test_list_with_a_hostile_name_is_refused(fake: FakeHub, see: Callable[..., HubModelResult], name: str) -> None:
    fake.more_siblings = [{"rfilename": name, "size": 1, "blobId": "0" * 40}]
    error = refusal(see)

    assert (error.code, error.exit_code) == ("hub_bad_names", 3)
    assert "\0" not in error.detail
    assert "\u202e" not in error.detail


@pytest.mark.parametrize("name", ["config.json", "CONFIG.json", "onnx/model.onnx/deeper.json"])
def test_list_with_names_that_clash_is_refused(fake: FakeHub, see: Callable[..., HubModelResult], name: str) -> None:
    """Given two names for one place, also without regard to capitals, Then the list is refused."""
    fake.more_siblings = [{"rfilename": name, "size": 1, "blobId": "0" * 40}]

    assert refusal(see, patterns=("*",)).code == "hub_bad_names"


def test_files_with_odd_names_are_skipped(fake: FakeHub, see: Callable[..., HubModelResult]) -> None:
    """Given a log file with a colon and a file without a digest, Then the other files are available."""
    fake.more_siblings = [
        {"rfilename": "runs/events:1", "size": 1, "blobId": "0" * 40},
        {"rfilename": "link", "size": None, "blobId": None},
        {"rfilename": "aux.json", "size": 3, "blobId": "0" * 40},
    ]
    wanted = {file.name for file in see(patterns=("*",)).wanted}

    assert wanted == set(fake.repos["ann/pictures"].files)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b'{"id": "ann/pictures"}', b'{"id": "ann/pictures", "sha": "main", "siblings": []}',
     b'{"id": "ann/pictures", "sha": 5, "siblings": 7}', b'{"id": "a/b", "sha": "' + b"0" * 40 + b'", "siblings": [{"x": 1}]}',
     b'{"id": "a/b", "lastModified": "yesterday"}'],
)  # fmt: skip
def test_page_with_garbage_is_refused(fake: FakeHub, see: Callable[..., HubModelResult], body: bytes) -> None:
    fake.answers = [Answer("/api/models/ann/pictures", 200, body=body)]
    error = refusal(see)

    assert (error.code, error.exit_code) == ("hub_garbage", 6)


def test_card_is_cut_left_out_or_requested_again(fake: FakeHub, see: Callable[..., HubModelResult]) -> None:
    """Given a card that may not be read, one that fails once or always, and a long one, Then it is left out, read
    again, refused, or cut."""
    fake.answers = [Answer("README.md", 403)]
    assert see().card == ""
    fake.answers = [Answer("README.md", 503)]
    assert see().card.startswith("# Pictures")
    fake.answers = [Answer("README.md", 500, times=9)]
    assert refusal(see).code == "hub_failed"

    fake.answers, fake.repos["ann/pictures"].files["README.md"].data = [], b"word " * 100_000
    found = see()
    assert len(found.card) == 200_000 and found.card_cut
    elsewhere = f"http://localhost:{fake.port}/_blob/ann/pictures/README.md"
    fake.answers = [Answer("/resolve/.*README", 302, {"Location": elsewhere})]
    assert see(token="hf_secret").card.startswith("word")
    assert [seen.token for seen in fake.seen if seen.host.startswith("localhost")] == [None]


def test_answer_that_unpacks_to_gigabytes_is_refused_in_little_memory(
    fake: FakeHub, see: Callable[..., HubModelResult]
) -> None:
    """Given a small answer that unpacks to 400 MB, Then it is refused long before it is unpacked whole."""
    packed = gzip.compress(b" " * (400 << 20), 1)
    fake.answers = [Answer("/api/models/ann/pictures", 200, {"Content-Encoding": "gzip"}, packed)]
    tracemalloc.start()
    try:
        assert refusal(see).code == "hub_garbage"
        assert tracemalloc.get_traced_memory()[1] < 250 << 20
    finally:
        tracemalloc.stop()


def test_answer_that_comes_in_drops_ends(
    fake: FakeHub, see: Callable[..., HubModelResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an answer for which the time is over before it ends, Then it is not read any longer."""
    monkeypatch.setattr(client, "MOST_DOCUMENT_S", -1.0)
    assert refusal(see).code == "hub_broke_off"


def test_size_that_no_file_has_is_left_out(fake: FakeHub, see: Callable[..., HubModelResult]) -> None:
    """Given a file of 10^400 bytes and as many downloads, Then the page has numbers that can be shown."""
    listed = [
        {"rfilename": name, "size": size, "blobId": "b" * 40} for name, size in (("model.onnx", 9), ("x.onnx", 10**400))
    ]
    body: dict[str, Any] = {"id": "ann/pictures", "sha": "a" * 40, "downloads": 10**400, "siblings": listed}
    body["safetensors"] = {"parameters": {"F32": 10**400}, "total": 1}
    fake.answers = [Answer("/api/models/ann/pictures", 200, body=json.dumps(body).encode())]
    found = see(patterns=("*",))
    assert (found.total_bytes, found.downloads, found.size_bytes) == (9, 0, None)
