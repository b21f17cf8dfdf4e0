"""A bundle's files go to a repository: all of them or none, private, with the token at the hub's own address alone."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from fakehub import Answer, FakeHub

from workers.contracts.errors import InputRefused, WorkerError
from workers.contracts.hub import HubAccess, HubPushParams
from workers.hub.push import push
from workers.runtime.recording import RecordingContext

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the library's own
WEIGHTS = os.urandom(40_000)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("README.md", "---\nlicense: mit\n---\n# Cats")
        archive.writestr("onnx/model.onnx", WEIGHTS)
        archive.writestr("../outside.txt", "no")
    return path


def test_all_files_become_one_commit(
    fake: FakeHub, access: Callable[..., HubAccess], ctx: RecordingContext, bundle: Path
) -> None:
    """Given a bundle and a token, when it is pushed, then a private repository holds its files, the large one came from
    another address without the token, and what would lie outside is left out."""
    fake.users["hf_abc"] = "ann"
    done = push(HubPushParams(access=access(token="hf_abc"), repo="ann/cats", bundle=str(bundle), message="New"), ctx)
    assert fake.pushed.files["ann/cats"] == {
        "README.md": b"---\nlicense: mit\n---\n# Cats",
        "onnx/model.onnx": WEIGHTS,
    }
    assert (fake.pushed.made["ann/cats"]["visibility"], done.user, done.made) == ("private", "ann", True)
    assert fake.pushed.commits[0]["summary"] == "New"
    assert done.address == f"{fake.endpoint}/ann/cats"
    elsewhere = [seen for seen in fake.seen if seen.path.startswith("/_lfs/")]
    assert elsewhere and all(seen.token is None for seen in elsewhere)


def test_looking_sends_nothing(fake: FakeHub, access: Callable[..., HubAccess], ctx: RecordingContext) -> None:
    """Given no bundle, then it is told whose the token is, and no repository is made."""
    fake.users["hf_abc"] = "ann"
    assert push(HubPushParams(access=access(token="hf_abc"), repo="ann/cats"), ctx).user == "ann"
    assert (fake.pushed.made, fake.pushed.files) == ({}, {})


@pytest.mark.parametrize("repo", ["cats", "ann/cats/more", "../x", "ann/..", "ann/ca ts", ""])
def test_names_that_are_none(fake: FakeHub, access: Callable[..., HubAccess], ctx: RecordingContext, repo: str) -> None:
    """Given a name that no repository can have, then it is refused before anything is asked."""
    with pytest.raises(InputRefused):
        push(HubPushParams(access=access(token="hf_abc"), repo=repo), ctx)
    assert fake.seen == []


@pytest.mark.parametrize(
    ("match", "status", "code"),
    [
        ("POST /api/repos/create", 403, "hub_forbidden"),
        ("PUT /_lfs/", 403, "hub_forbidden"),
        ("POST /api/models/ann/cats/commit", 500, "hub_failed"),
        ("GET /api/whoami-v2", 401, "hub_bad_token"),
    ],
)
def test_a_hub_that_refuses(
    fake: FakeHub,
    access: Callable[..., HubAccess],
    ctx: RecordingContext,
    bundle: Path,
    match: str,
    status: int,
    code: str,
) -> None:
    """Given a hub that refuses at one of the steps, then that is told in plain words, and no file stands there."""
    fake.users["hf_abc"] = "ann"
    fake.answers.append(Answer(match, status, times=99))
    with pytest.raises(WorkerError) as told:
        push(HubPushParams(access=access(token="hf_abc"), repo="ann/cats", bundle=str(bundle)), ctx)
    assert told.value.code == code
    assert fake.pushed.files == {}


def test_a_card_that_the_hub_does_not_take(
    fake: FakeHub, access: Callable[..., HubAccess], ctx: RecordingContext, bundle: Path
) -> None:
    """Given a hub that finds the header wrong, then its reason is told."""
    fake.users["hf_abc"] = "ann"
    body = b'{"errors": [{"message": "license must be one of"}], "warnings": []}'
    fake.answers.append(Answer("POST /api/validate-yaml", 400, {"Content-Type": "application/json"}, body))
    with pytest.raises(InputRefused) as told:
        push(HubPushParams(access=access(token="hf_abc"), repo="ann/cats", bundle=str(bundle)), ctx)
    assert told.value.code == "hub_bad_card" and "license must be one of" in told.value.detail
