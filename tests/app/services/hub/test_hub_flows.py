"""The hub's use cases without a window: real worker processes behind their walls, a hub on this computer."""

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakehub import Answer, FakeHub
from stopwatch import Stopwatch

from app.cli.output import Globals
from app.cli.session import workspace
from app.domain.run import Goal, RunState
from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.steps import FlowCancelled, JobError
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.hub.clean import downloaded_models, remove_model
from app.services.hub.flows import download_model, hub_model, log_in, resume_download, search_hub
from app.services.hub.model_cache import ModelCache
from app.services.hub.origin import origin_of, remember_origin
from app.services.hub.pending import PendingDownload
from app.services.hub.place import HubPlace
from app.services.projects.projects import new_run, project_for
from workers.contracts.errors import ErrorInfo
from workers.contracts.hub import HubQuery, HubRequest

SIZE = 4_000_000
WEIGHTS = os.urandom(SIZE)
NET = HubRequest(repo="ann/net")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    files = {"config.json": b"{}", "README.md": b"---\nlicense: mit\n---\n# Net", "onnx/model.onnx": WEIGHTS}
    for name, data in files.items():
        path = tmp_path / "served" / "ann" / "net" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "served" / "ann" / "net" / ".meta.json").write_text('{"tags": ["license:mit"]}')
    with FakeHub(tmp_path / "served") as hub:
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


def until(driver: Driver[Any], condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    end_s = time.monotonic() + timeout_s
    while driver.tick() and not condition():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def slow(fake: FakeHub) -> None:
    """About two seconds for the weights."""
    fake.block_delay_s = 0.03


def come(space: Workspace) -> int:
    return sum(ModelCache(space.paths.hub).come_bytes(one.key) for one in pending(space))


def pending(space: Workspace) -> tuple[PendingDownload, ...]:
    return ModelCache(space.paths.hub).pending_downloads()


def test_searched_looked_at_and_downloaded(fake: FakeHub, space: Workspace, home: Path) -> None:
    """Given a fresh data folder, Then the model lies in it whole, with its origin, and nothing else is left."""
    page = run_to_end(Driver(space, search_hub(space, HubQuery(text="net")), ignore))
    assert [model.repo for model in page.models] == ["ann/net"]
    found = run_to_end(Driver(space, hub_model(space, NET), ignore))
    events: list[Any] = []
    done = run_to_end(Driver(space, download_model(space, NET), events.append))

    assert (done.stored.folder / "onnx" / "model.onnx").read_bytes() == WEIGHTS
    assert done.stored.origin.commit == found.commit == fake.repos["ann/net"].sha
    assert (done.stored.origin.license, done.stored.origin.author) == ("mit", "ann")
    assert done.fetched_bytes == found.total_bytes
    assert list((home / "hub" / "arriving").iterdir()) == []
    assert list((home / "jobs").iterdir()) == []
    assert [job.kind for job in space.repositories.jobs.list()] == ["hub_download"], "looking is no history"
    assert any(getattr(event, "unit", "") == "bytes" for event in events)


def test_again_nothing_is_fetched(fake: FakeHub, space: Workspace) -> None:
    run_to_end(Driver(space, download_model(space, NET), ignore))
    fake.sent.clear()
    again = run_to_end(Driver(space, download_model(space, NET), ignore))

    assert again.fetched_bytes == 0
    assert "onnx/model.onnx" not in fake.sent


def test_cancelled_within_a_second_and_nothing_left(fake: FakeHub, space: Workspace, home: Path) -> None:
    slow(fake)
    driver = Driver(space, download_model(space, NET), ignore)
    until(driver, lambda: come(space) > SIZE // 10)
    watch = Stopwatch()
    driver.cancel()
    with pytest.raises(FlowCancelled):
        run_to_end(driver)

    watch.check(1.0)
    assert list((home / "hub" / "arriving").iterdir()) == []
    assert list((home / "jobs").iterdir()) == []
    assert downloaded_models(space) == ()


def test_cancelled_while_nothing_comes(fake: FakeHub, space: Workspace) -> None:
    """Given a hub that is silent, Then cancelling does not wait for it."""
    fake.first_byte_s = {"onnx/model.onnx": 5.0}
    driver = Driver(space, download_model(space, NET), ignore)
    until(driver, lambda: any("/_blob/" in seen.path for seen in fake.seen))
    watch = Stopwatch()
    driver.cancel()
    with pytest.raises(FlowCancelled):
        run_to_end(driver)

    watch.check(1.0)


@pytest.mark.whole
def test_paused_and_gone_on_with_after_a_restart(fake: FakeHub, home: Path) -> None:
    """Given a pause in the middle, When the program is started anew, Then what has come does not come again."""
    slow(fake)
    with workspace(Globals(data_dir=home), writes=True) as space:
        driver = Driver(space, download_model(space, NET, keep_partial=lambda: True), ignore)
        until(driver, lambda: come(space) > SIZE // 2)
        driver.cancel()
        with pytest.raises(FlowCancelled):
            run_to_end(driver)
    fake.block_delay_s, fake.sent = 0.0, {}

    with workspace(Globals(data_dir=home), writes=True) as space:
        (one,) = pending(space)
        assert one.repo == "ann/net"
        done = run_to_end(Driver(space, resume_download(space, one), ignore))
        assert pending(space) == ()

    assert (done.stored.folder / "onnx" / "model.onnx").read_bytes() == WEIGHTS
    assert fake.sent["onnx/model.onnx"] <= SIZE // 2
    assert done.resumed_bytes >= SIZE // 2


def test_the_program_ends_in_the_middle(fake: FakeHub, space: Workspace) -> None:
    """Given a window that is closed meanwhile, Then the pieces stay, and nobody holds them."""
    slow(fake)
    driver = Driver(space, download_model(space, NET), ignore)
    until(driver, lambda: come(space) > SIZE // 2)
    driver.interrupt()

    (one,) = pending(space)
    assert come(space) > SIZE // 2
    ModelCache(space.paths.hub).discard(one.key)
    assert pending(space) == ()


@pytest.mark.whole
def test_a_lost_hub_leaves_what_has_come(fake: FakeHub, space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    real = HubPlace.access
    monkeypatch.setattr(HubPlace, "access", lambda self: real(self).model_copy(update={"retries": 1}))
    fake.drops = {"onnx/model.onnx": [SIZE * 9 // 10]}
    fake.on_block = lambda name, at: fake.answers.append(Answer(name, 503, times=9)) if at > SIZE * 0.89 else None
    with pytest.raises(JobError) as caught:
        run_to_end(Driver(space, download_model(space, NET), ignore))
    assert (caught.value.error.code, caught.value.exit_code) == ("hub_failed", 6)
    fake.answers, fake.on_block, fake.sent = [], None, {}

    done = run_to_end(Driver(space, download_model(space, NET), ignore))
    assert fake.sent["onnx/model.onnx"] <= SIZE * 0.15
    assert (done.stored.folder / "onnx" / "model.onnx").read_bytes() == WEIGHTS


def test_a_wrong_file_leaves_nothing(fake: FakeHub, space: Workspace, home: Path) -> None:
    fake.bodies = {"onnx/model.onnx": b"z" * SIZE}
    with pytest.raises(JobError) as caught:
        run_to_end(Driver(space, download_model(space, NET), ignore))

    assert (caught.value.error.code, caught.value.exit_code) == ("hub_wrong_hash", 3)
    assert pending(space) == ()
    assert downloaded_models(space) == ()
    assert not [path for path in (home / "hub").rglob("*") if path.is_file() and path.stat().st_size]


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mount"), reason="needs a small disk"
)
def test_a_disk_that_is_full_in_the_middle(fake: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a disk with room for half of it, Then it is told, what has come is kept, and room makes it go on."""
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
            with pytest.raises(JobError) as caught:
                run_to_end(Driver(space, download_model(space, NET), ignore))
            assert (caught.value.error.code, caught.value.exit_code) == ("disk_full", 6)
            assert come(space) > SIZE // 4
            subprocess.run(["mount", "-o", "remount,size=20m", str(home)], check=True)
            done = run_to_end(Driver(space, download_model(space, NET), ignore))
            assert (done.stored.folder / "onnx" / "model.onnx").read_bytes() == WEIGHTS
            assert done.resumed_bytes > SIZE // 4
    finally:
        subprocess.run(["umount", str(home)], check=True)


def test_in_use_and_clean_up(fake: FakeHub, space: Workspace) -> None:
    """Given a project that was begun with a model, Then it is not removed unasked, and never while a run works."""
    stored = run_to_end(Driver(space, download_model(space, NET), ignore)).stored
    project = project_for(space.repositories, stored.open_path)
    (kept,) = downloaded_models(space)
    assert (kept.used_by, kept.running) == ((project.name,), False)
    with pytest.raises(JobError) as caught:
        remove_model(space, stored.key)
    assert (caught.value.error.code, caught.value.exit_code) == ("hub_in_use", 3)
    assert project.name in caught.value.error.detail

    run = new_run(space.repositories, project, Goal("balanced", 1.0))
    with pytest.raises(JobError):
        remove_model(space, stored.key, even_if_used=True)
    space.repositories.runs.update(dataclasses.replace(run, state=RunState.FAILED))
    assert remove_model(space, stored.key, even_if_used=True) == stored.size_bytes
    assert downloaded_models(space) == ()
    assert not stored.folder.exists()
    with pytest.raises(JobError):
        remove_model(space, stored.key)


def test_the_origin_stays_with_the_project(fake: FakeHub, space: Workspace) -> None:
    """Given a model from the hub, Then its project knows from where, also when the model is removed later."""
    stored = run_to_end(Driver(space, download_model(space, NET), ignore)).stored
    project = project_for(space.repositories, stored.open_path)
    assert origin_of(space, project) == stored.origin
    assert remember_origin(space, project) == stored.origin
    remove_model(space, stored.key, even_if_used=True)

    assert origin_of(space, project) == stored.origin
    other = project_for(space.repositories, Path("/somewhere/else.onnx"))
    assert remember_origin(space, other) is None
    assert origin_of(space, other) is None


@pytest.mark.whole
def test_logged_in(fake: FakeHub, space: Workspace, home: Path) -> None:
    """Given a token that the hub knows, Then it is kept and sent; one that it does not know is not kept."""
    fake.users, fake.repos["ann/net"].meta["gated"] = {"hf_good": "ann"}, "manual"
    with pytest.raises(JobError) as caught:
        run_to_end(Driver(space, log_in(space, "hf_bad"), ignore))
    assert caught.value.error.code == "hub_bad_token"
    assert not (home / "hub" / "token.json").exists()
    with pytest.raises(JobError) as caught:
        run_to_end(Driver(space, download_model(space, NET), ignore))
    assert caught.value.error.code == "hub_gated"

    done = run_to_end(Driver(space, log_in(space, " hf_good\n"), ignore))
    assert done.user == "ann"
    run_to_end(Driver(space, download_model(space, NET), ignore))
    assert {seen.token for seen in fake.seen if seen.host.startswith("localhost")} == {None}


def test_offline_gives_what_is_here(fake: FakeHub, space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = run_to_end(Driver(space, download_model(space, NET), ignore)).stored
    fake.seen.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    assert run_to_end(Driver(space, download_model(space, NET), ignore)).stored == stored
    with pytest.raises(JobError) as caught:
        run_to_end(Driver(space, download_model(space, HubRequest(repo="ann/net", revision="v2")), ignore))
    assert (caught.value.error.code, caught.value.exit_code) == ("hub_offline", 6)
    assert fake.seen == []


def test_a_proxy_is_used(fake: FakeHub, space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a proxy and a hub that only it can reach, Then the hub is asked through it."""
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("HTTP_PROXY", fake.endpoint)
    page = run_to_end(Driver(space, search_hub(space, HubQuery(text="net")), ignore))

    assert [model.repo for model in page.models] == ["ann/net"]
    assert fake.seen[0].path.startswith("http://hub.invalid/api/models")


@pytest.mark.parametrize("code", ["time_limit", "cpu_limit"])
def test_search_that_takes_too_long_is_the_hubs_matter(fake: FakeHub, space: Workspace, code: str) -> None:
    """Given a search that is stopped at its time limit, Then the hub is named, and no setting or model."""
    search = search_hub(space, HubQuery())
    next(search)
    with pytest.raises(JobError) as refused:
        search.throw(JobError(ErrorInfo(code=code, title="T", detail="D.", hint="H."), 1))

    assert (refused.value.error.code, refused.value.exit_code) == ("hub_slow", 6)


def test_search_that_fails_otherwise_keeps_its_error(fake: FakeHub, space: Workspace) -> None:
    """Given a search whose worker crashed, Then that is what is told."""
    search = search_hub(space, HubQuery())
    next(search)
    with pytest.raises(JobError) as refused:
        search.throw(JobError(ErrorInfo(code="native_crash", title="T", detail="D.", hint="H."), 1))

    assert (refused.value.error.code, refused.value.exit_code) == ("native_crash", 1)
