"""Test the hub's use cases without a window: real worker processes in their sandbox, a hub on this computer."""

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from fakehub import Answer, FakeHub, write_repos
from flows import codes, go, refusal
from stopwatch import Stopwatch

from app.cli.output import Globals
from app.cli.session import workspace
from app.domain.run import Goal, RunState
from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.steps import FlowCancelled, JobError
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.hub.flows import download_model, hub_model, log_in, resume_download, search_hub
from app.services.hub.model_cache import (
    ModelCache,
    PendingDownload,
    downloaded_models,
    origin_of,
    remember_origin,
    remove_model,
)
from app.services.hub.place import HubPlace
from app.services.projects.projects import new_run, project_for
from workers.contracts.error_info import ErrorInfo
from workers.contracts.hub import HubQuery, HubRequest

T = TypeVar("T")
SIZE = 4_000_000
WEIGHTS = os.urandom(SIZE)
NET = HubRequest(repo="ann/net")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    files = {"config.json": b"{}", "README.md": b"---\nlicense: mit\n---\n# Net", "onnx/model.onnx": WEIGHTS}
    with FakeHub(write_repos(tmp_path / "served", {"ann/net": ({"tags": ["license:mit"]}, files)})) as hub:
        for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def space(home: Path) -> Iterator[Workspace]:
    with workspace(Globals(data_dir=home), writes=True) as opened:
        yield opened


def until(driver: Driver[Any], condition: Callable[[], bool], timeout_s: float = 120.0) -> None:
    end_s = time.monotonic() + timeout_s
    while driver.tick() and not condition():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def cancelled(driver: Driver[Any]) -> None:
    watch = Stopwatch()
    driver.cancel()
    with pytest.raises(FlowCancelled):
        run_to_end(driver)
    watch.check(1.0)


def begin_download(fake: FakeHub, space: Workspace, share: float, **options: Any) -> Driver[Any]:
    """Return the driver of a download of about two seconds, of which this share is done."""
    fake.block_delay_s = 0.03
    driver = Driver(space, download_model(space, NET, **options), ignore)
    until(driver, lambda: received(space) > SIZE * share)
    return driver


def received(space: Workspace) -> int:
    return sum(ModelCache(space.paths.hub).received_bytes(one.key) for one in pending(space))


def pending(space: Workspace) -> tuple[PendingDownload, ...]:
    return ModelCache(space.paths.hub).pending_downloads()


def test_download_puts_the_whole_model_into_the_data_folder(fake: FakeHub, space: Workspace, home: Path) -> None:
    """Given a fresh data folder, Then the model is in it with its origin and nothing else, and is downloaded only
    once."""
    page = go(space, search_hub(space, HubQuery(text="net")))
    assert [model.repo for model in page.models] == ["ann/net"]
    found = go(space, hub_model(space, NET))
    events: list[Any] = []
    done = go(space, download_model(space, NET), events.append)

    assert (done.stored.folder / "onnx" / "model.onnx").read_bytes() == WEIGHTS
    assert done.stored.origin.commit == found.commit == fake.repos["ann/net"].sha
    assert (done.stored.origin.license, done.stored.origin.author) == ("mit", "ann")
    assert done.fetched_bytes == found.total_bytes
    assert [*(home / "hub" / "arriving").iterdir(), *(home / "jobs").iterdir()] == []
    assert [job.kind for job in space.repositories.jobs.list()] == ["hub_download"], "looking is no history"
    assert any(getattr(event, "unit", "") == "bytes" for event in events)

    fake.sent.clear()
    assert go(space, download_model(space, NET)).fetched_bytes == 0
    assert "onnx/model.onnx" not in fake.sent


def test_cancel_ends_within_a_second_and_leaves_nothing(fake: FakeHub, space: Workspace, home: Path) -> None:
    cancelled(begin_download(fake, space, 0.1))

    assert [*(home / "hub" / "arriving").iterdir(), *(home / "jobs").iterdir()] == []
    assert downloaded_models(space) == ()


def test_cancel_does_not_wait_for_a_silent_hub(fake: FakeHub, space: Workspace) -> None:
    fake.first_byte_s = {"onnx/model.onnx": 5.0}
    driver = Driver(space, download_model(space, NET), ignore)
    until(driver, lambda: any("/_blob/" in seen.path for seen in fake.seen))
    cancelled(driver)


@pytest.mark.whole
def test_paused_download_continues_after_a_restart(fake: FakeHub, home: Path) -> None:
    """Given a pause in the middle, When the program is started anew, Then downloaded parts are not downloaded again."""
    with workspace(Globals(data_dir=home), writes=True) as space:
        cancelled(begin_download(fake, space, 0.5, keep_partial=lambda: True))
    fake.block_delay_s, fake.sent = 0.0, {}

    with workspace(Globals(data_dir=home), writes=True) as space:
        (one,) = pending(space)
        assert one.repo == "ann/net"
        done = go(space, resume_download(space, one))
        assert pending(space) == ()

    assert (done.stored.folder / "onnx" / "model.onnx").read_bytes() == WEIGHTS
    assert fake.sent["onnx/model.onnx"] <= SIZE // 2 <= done.resumed_bytes


def test_interrupted_download_leaves_its_pieces(fake: FakeHub, space: Workspace) -> None:
    begin_download(fake, space, 0.5).interrupt()

    (one,) = pending(space)
    assert received(space) > SIZE // 2
    ModelCache(space.paths.hub).discard(one.key)
    assert pending(space) == ()


@pytest.mark.whole
def test_failed_download_keeps_its_pieces(fake: FakeHub, space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    real = HubPlace.access
    monkeypatch.setattr(HubPlace, "access", lambda self: real(self).model_copy(update={"retries": 1}))
    fake.drops = {"onnx/model.onnx": [SIZE * 9 // 10]}
    fake.on_block = lambda name, at: fake.answers.append(Answer(name, 503, times=9)) if at > SIZE * 0.89 else None
    assert codes(go, space, download_model(space, NET)) == ("hub_failed", 6)
    fake.answers, fake.on_block, fake.sent = [], None, {}

    done = go(space, download_model(space, NET))
    assert fake.sent["onnx/model.onnx"] <= SIZE * 0.15
    assert (done.stored.folder / "onnx" / "model.onnx").read_bytes() == WEIGHTS


def test_wrong_file_leaves_nothing(fake: FakeHub, space: Workspace, home: Path) -> None:
    fake.bodies = {"onnx/model.onnx": b"z" * SIZE}
    assert codes(go, space, download_model(space, NET)) == ("hub_wrong_hash", 3)

    assert (pending(space), downloaded_models(space)) == ((), ())
    assert not [path for path in (home / "hub").rglob("*") if path.is_file() and path.stat().st_size]


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mount"), reason="needs a small disk"
)
def test_full_disk_keeps_what_has_come(fake: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a disk with room for half of it, Then the download fails, and continues from there once there is room."""
    home = tmp_path / "small disk"
    home.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(home)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no disk may be mounted here")
    monkeypatch.setattr(ModelCache, "free_bytes", lambda self: 1 << 40)  # so that it fills up although it was looked at
    try:
        with workspace(Globals(data_dir=home), writes=True) as space:
            assert codes(go, space, download_model(space, NET)) == ("disk_full", 6)
            assert received(space) > SIZE // 4
            subprocess.run(["mount", "-o", "remount,size=20m", str(home)], check=True)
            done = go(space, download_model(space, NET))
            assert (done.stored.folder / "onnx" / "model.onnx").read_bytes() == WEIGHTS
            assert done.resumed_bytes > SIZE // 4
    finally:
        subprocess.run(["umount", str(home)], check=True)


def test_model_is_not_removed_while_a_run_uses_it(fake: FakeHub, space: Workspace) -> None:
    """Given a project with a downloaded model, Then the model is not removed while a run uses it, and its origin
    stays."""
    stored = go(space, download_model(space, NET)).stored
    project = project_for(space.repositories, stored.open_path)
    other = project_for(space.repositories, Path("/somewhere/else.onnx"))
    assert origin_of(space, project) == remember_origin(space, project) == stored.origin
    assert origin_of(space, other) is None and remember_origin(space, other) is None
    (kept,) = downloaded_models(space)
    assert (kept.used_by, kept.running) == ((project.name,), False)

    run = new_run(space.repositories, project, Goal("balanced", 1.0))
    refused = refusal(remove_model, space, stored.key)
    assert (refused.error.code, refused.exit_code) == ("hub_in_use", 3)
    assert project.name in refused.error.detail
    space.repositories.runs.update(dataclasses.replace(run, state=RunState.FAILED))
    remove_model(space, stored.key)
    assert downloaded_models(space) == () and not stored.folder.exists()
    assert origin_of(space, project) == stored.origin
    with pytest.raises(JobError):
        remove_model(space, stored.key)


@pytest.mark.whole
def test_log_in_stores_only_a_token_that_the_hub_knows(fake: FakeHub, space: Workspace, home: Path) -> None:
    fake.users, fake.repos["ann/net"].meta["gated"] = {"hf_good": "ann"}, "manual"
    assert codes(go, space, log_in(space, "hf_bad"))[0] == "hub_bad_token"
    assert not (home / "hub" / "token.json").exists()
    assert codes(go, space, download_model(space, NET))[0] == "hub_gated"

    assert go(space, log_in(space, " hf_good\n"))[0] == "ann"
    go(space, download_model(space, NET))
    assert {seen.token for seen in fake.seen if seen.host.startswith("localhost")} == {None}


def test_offline_mode_returns_stored_models(fake: FakeHub, space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = go(space, download_model(space, NET)).stored
    fake.seen.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    assert go(space, download_model(space, NET)).stored == stored
    assert codes(go, space, download_model(space, HubRequest(repo="ann/net", revision="v2"))) == ("hub_offline", 6)
    assert fake.seen == []


def test_proxy_is_used(fake: FakeHub, space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a proxy and a hub that only it can reach, Then requests go through the proxy."""
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("HTTP_PROXY", fake.endpoint)
    page = go(space, search_hub(space, HubQuery(text="net")))

    assert [model.repo for model in page.models] == ["ann/net"]
    assert fake.seen[0].path.startswith("http://hub.invalid/api/models")


@pytest.mark.parametrize(
    ("code", "wanted"),
    [("time_limit", ("hub_slow", 6)), ("cpu_limit", ("hub_slow", 6)), ("native_crash", ("native_crash", 1))],
)
def test_search_at_its_time_limit_names_the_hub(
    fake: FakeHub, space: Workspace, code: str, wanted: tuple[str, int]
) -> None:
    """Given a search that is stopped at a limit, Then the error names the hub; other errors are unchanged."""
    search = search_hub(space, HubQuery())
    next(search)
    refused = refusal(search.throw, JobError(ErrorInfo(code=code, title="T", detail="D.", hint="H."), 1))

    assert (refused.error.code, refused.exit_code) == wanted
