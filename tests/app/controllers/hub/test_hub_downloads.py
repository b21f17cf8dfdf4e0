"""Tests of downloads in the window: several at once, speed, pause, resume, cancel, and those of earlier sessions."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from found_models import COMMIT, SIZE, found

from app.controllers.hub import downloads as hub_downloads
from app.controllers.hub.downloads import Downloads
from app.services.hub.model_cache import ModelCache, PendingDownload
from workers.contracts.hub import CHECKING, HubRequest


@pytest.fixture
def downloads(space: SimpleNamespace, flows: Any) -> Downloads:
    return Downloads(space, flows)


def begin(downloads: Downloads, flows: Any, repo: str = "a/one") -> Any:
    """Start a download whose files arrive now."""
    downloads.start(HubRequest(repo=repo), SIZE)
    requested = flows.started[-1]
    requested.answer(found(repo))
    return requested


def states(downloads: Downloads) -> dict[str, str]:
    return {value.name: value.state for value in downloads.values}


def test_speed_is_that_of_the_last_seconds(downloads: Downloads, flows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given progress, then speed and remaining time follow from it, and hashing earlier bytes has its own state."""
    clock = iter(range(100))
    monkeypatch.setattr(hub_downloads.time, "monotonic", lambda: float(next(clock)))
    requested = begin(downloads, flows)
    requested.progress("Looking at it", 0, SIZE, stage_id=CHECKING)
    assert states(downloads) == {"one": "checking"}
    for done in (100, 200, 300):
        requested.progress("Downloading", done, SIZE)
    (value,) = downloads.values
    assert (value.state, value.done_bytes, value.total_bytes) == ("running", 300, SIZE)
    assert value.bytes_per_s == pytest.approx(100) and value.left_s == pytest.approx(7)
    requested.progress("Downloading", 400, SIZE, eta_s=12)
    assert downloads.values[0].left_s == 12


def test_fourth_download_waits_until_one_ends(downloads: Downloads, flows: Any) -> None:
    """Given four downloads, then three run at once. When one ends, its file is reported and the fourth starts."""
    ends: list[tuple[str, str]] = []
    downloads.finished.connect(lambda repo, path: ends.append((repo, path)))
    requested = [begin(downloads, flows, f"{name}/m-{name}") for name in "abc"]
    for name in "ad":
        downloads.start(HubRequest(repo=f"{name}/m-{name}"), SIZE)
    assert len(flows.open) == 3 and states(downloads)["m-d"] == "waiting"
    requested[0].finish()
    assert states(downloads)["m-a"] == "done" and len(flows.open) == 3
    ((repo, path),) = ends
    assert repo == "a/m-a" and Path(path).name == "model.onnx" and Path(path).stat().st_size == SIZE


def test_pause_keeps_pieces_and_resume_continues(downloads: Downloads, flows: Any, space: SimpleNamespace) -> None:
    """Given a paused download, then its data stay. It can continue in the same folder, or be removed with them."""
    place = Path(begin(downloads, flows).params.place)
    (place / "files" / "piece").write_bytes(b"x" * 400)
    downloads.pause("a/one")
    assert states(downloads) == {"one": "paused"} and (place / "files" / "piece").exists()
    downloads.resume("a/one")
    flows.open[0].answer(found("a/one"))
    assert flows.open[0].params.place == str(place)

    downloads.pause("a/one")
    assert len(ModelCache(space.paths.hub).pending_downloads()) == 1
    downloads.cancel("a/one")
    assert downloads.values == () and ModelCache(space.paths.hub).pending_downloads() == ()


@pytest.mark.parametrize("is_by_jobs", [False, True])
def test_cancel_leaves_nothing(downloads: Downloads, flows: Any, is_by_jobs: bool) -> None:
    """Given a download that was paused before, when it is cancelled, also in the list of jobs, then its data are
    removed."""
    place = Path(begin(downloads, flows).params.place)
    downloads.pause("a/one")
    downloads.resume("a/one")
    flows.open[0].answer(found("a/one"))
    flows.open[0].cancel() if is_by_jobs else downloads.cancel("a/one")
    assert downloads.values == () and not place.exists()


def test_failed_download_shows_its_error_and_can_continue(downloads: Downloads, flows: Any) -> None:
    failures: list[str] = []
    downloads.failed.connect(lambda _repo, error: failures.append(error.code))
    begin(downloads, flows).fail("hub_broke_off")
    (value,) = downloads.values
    assert (value.state, failures) == ("failed", ["hub_broke_off"])
    assert value.note == "Title hub_broke_off. Hint hub_broke_off."
    downloads.resume("a/one")
    assert len(flows.open) == 1


def test_pieces_of_a_closed_program_are_a_paused_download(
    downloads: Downloads, flows: Any, space: SimpleNamespace
) -> None:
    """Given data of an earlier session, then the download continues at the same commit without another query."""
    pending = PendingDownload.of("http://127.0.0.1:9", HubRequest(repo="a/one"), found("a/one"))
    place = ModelCache(space.paths.hub).begin(pending)
    (place / "files" / "model.onnx").write_bytes(b"x" * 300)
    downloads.find_arrivals()
    (value,) = downloads.values
    assert (value.name, value.state, value.done_bytes, value.total_bytes) == ("one", "paused", 300, SIZE)
    downloads.resume("a/one")
    assert [requested.kind for requested in flows.open] == ["hub_download"]
    assert flows.open[0].params.commit == COMMIT


def test_model_that_is_here_is_not_fetched_again(downloads: Downloads, flows: Any) -> None:
    begin(downloads, flows).finish()
    begin(downloads, flows)
    (value,) = downloads.values
    assert value.state == "done" and "here already" in value.note
