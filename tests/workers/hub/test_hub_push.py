"""Push the files of a bundle to a private repository, all or none, with the token only for the hub's own address."""

import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from fakehub import Answer, FakeHub
from recording import RecordingContext

from workers.contracts.errors import WorkerError
from workers.contracts.hub import HubAccess, HubPushParams, HubPushResult
from workers.hub.push import push

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the library's own
WEIGHTS = os.urandom(40_000)
Send = Callable[..., HubPushResult]


@pytest.fixture
def send(fake: FakeHub, access: Callable[..., HubAccess], ctx: RecordingContext, tmp_path: Path) -> Send:
    """Push a bundle with the token of a user."""
    fake.users["hf_abc"] = "ann"
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("README.md", "---\nlicense: mit\n---\n# Cats")
        archive.writestr("onnx/model.onnx", WEIGHTS)
        archive.writestr("../outside.txt", "no")

    def one(repo: str = "ann/cats", bundle: str | None = str(path)) -> HubPushResult:
        params = HubPushParams(access=access(token="hf_abc"), repo=repo, bundle=bundle, message="New")
        return push(HubPushParams.model_validate_json(params.model_dump_json()), ctx)

    return one


def refusal(send: Send, **more: str) -> WorkerError:
    with pytest.raises(WorkerError) as refused:
        send(**more)
    return refused.value


def test_push_makes_one_commit_of_all_files(fake: FakeHub, send: Send) -> None:
    """Given a bundle and a token, Then a private repository holds its files, the large one was sent elsewhere without
    the token, and a file outside the folder is left out."""
    done = send()
    files = {"README.md": b"---\nlicense: mit\n---\n# Cats", "onnx/model.onnx": WEIGHTS}
    assert fake.pushed.files["ann/cats"] == files
    assert (fake.pushed.made["ann/cats"]["visibility"], done.user, done.made) == ("private", "ann", True)
    assert fake.pushed.commits[0]["summary"] == "New"
    assert done.address == f"{fake.endpoint}/ann/cats"
    elsewhere = [seen for seen in fake.seen if seen.path.startswith("/_lfs/")]
    assert elsewhere and all(seen.token is None for seen in elsewhere)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_push_reads_a_bundle_whose_name_is_no_text(fake: FakeHub, send: Send, tmp_path: Path) -> None:
    """Given a bundle whose name is no text in any encoding, Then its files are sent."""
    bundle = (tmp_path / "b.zip").rename(tmp_path / os.fsdecode(b"\xff.zip"))
    assert send(bundle=str(bundle)).user == "ann" and "README.md" in fake.pushed.files["ann/cats"]


def test_push_without_a_bundle_sends_nothing(fake: FakeHub, send: Send) -> None:
    assert send(bundle=None).user == "ann"
    assert (fake.pushed.made, fake.pushed.files) == ({}, {})


@pytest.mark.parametrize("repo", ["cats", "ann/cats/more", "../x", "ann/..", "ann/ca ts", ""])
def test_impossible_name_is_refused_before_a_request(fake: FakeHub, send: Send, repo: str) -> None:
    assert refusal(send, repo=repo).code == "hub_bad_name"
    assert fake.seen == []


@pytest.mark.parametrize(
    ("match", "status", "body", "code"),
    [
        ("POST /api/repos/create", 403, b"", "hub_forbidden"),
        ("PUT /_lfs/", 403, b"", "hub_forbidden"),
        ("POST /api/models/ann/cats/commit", 500, b"", "hub_failed"),
        ("GET /api/whoami-v2", 401, b"", "hub_bad_token"),
        ("GET /api/whoami-v2", 200, b"[]", "hub_garbage"),
        (
            "POST /api/validate-yaml",
            400,
            b'{"errors": [{"message": "license must be"}], "warnings": []}',
            "hub_bad_card",
        ),
    ],
)
def test_push_that_the_hub_refuses_leaves_no_file(
    fake: FakeHub, send: Send, match: str, status: int, body: bytes, code: str
) -> None:
    """Given a hub that refuses one step, Then the error has its reason, and no file is stored."""
    fake.answers.append(Answer(match, status, {"Content-Type": "application/json"}, body, times=99))
    error = refusal(send)
    assert error.code == code and (code != "hub_bad_card" or "license must be" in error.detail)
    assert fake.pushed.files == {}
