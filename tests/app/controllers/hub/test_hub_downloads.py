"""Downloads in the window: several at once, speed and time left, pause, resume, cancel, what was left the last time."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.controllers.hub import downloads as hub_downloads
from app.controllers.hub.downloads import Downloads
from app.services.hub.model_cache import ModelCache
from app.services.hub.pending import PendingDownload
from workers.contracts.hub import CHECKING, HubDownloadResult, HubFile, HubModelResult, HubRequest, OriginFile

COMMIT = "c" * 40
SIZE = 1000


def files(name: str) -> tuple[HubFile, ...]:
    return (HubFile(name="model.onnx", size_bytes=SIZE, sha256=(name * 64)[:64].replace("/", "0")),)


def found(repo: str) -> HubModelResult:
    wanted = files(repo[0])
    return HubModelResult(repo=repo, revision="main", commit=COMMIT, wanted=wanted, total_bytes=SIZE, main="model.onnx")


@pytest.fixture
def downloads(space: SimpleNamespace, flows: Any) -> Downloads:
    return Downloads(space, flows)


def begin(downloads: Downloads, flows: Any, repo: str) -> Any:
    """A download whose files come now."""
    downloads.start(HubRequest(repo=repo), SIZE)
    asked = flows.asked[-1]
    asked.answer(found(repo))
    assert asked.kind == "hub_download"
    return asked


def finish(asked: Any, fetched: int = SIZE) -> None:
    """Its files have come."""
    place = Path(asked.params.place) / "files"
    for file in asked.params.files:
        (place / file.name).write_bytes(b"x" * file.size_bytes)
    came = tuple(OriginFile(name=f.name, sha256=f.sha256 or "", size_bytes=f.size_bytes) for f in asked.params.files)
    asked.answer(HubDownloadResult(files=came, fetched_bytes=fetched))


def states(downloads: Downloads) -> dict[str, str]:
    return {value.name: value.state for value in downloads.values}


def test_speed_and_time_left(downloads: Downloads, flows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given progress, Then the speed is that of the last seconds and the time left follows from it."""
    clock = iter(range(100))
    monkeypatch.setattr(hub_downloads.time, "monotonic", lambda: float(next(clock)))
    asked = begin(downloads, flows, "a/one")
    for done in (0, 100, 200, 300):
        asked.progress("Downloading", done, SIZE)
    (value,) = downloads.values
    assert (value.state, value.done_bytes, value.total_bytes) == ("running", 300, SIZE)
    assert value.bytes_per_s == pytest.approx(100) and value.left_s == pytest.approx(7)
    asked.progress("Downloading", 400, SIZE, eta_s=12)
    assert downloads.values[0].left_s == 12


def test_what_came_before_is_told_as_checked(downloads: Downloads, flows: Any) -> None:
    """Given a download that goes on, While what came is hashed, Then that is what is told, whatever the stage is called."""
    asked = begin(downloads, flows, "a/one")
    asked.progress("Looking at it", 100, SIZE, stage_id=CHECKING)
    assert states(downloads) == {"one": "checking"}


def test_three_at_once_and_the_fourth_waits(downloads: Downloads, flows: Any) -> None:
    """Given four, Then three run; when one ends, the fourth begins."""
    asked = [begin(downloads, flows, f"{name}/m-{name}") for name in "abc"]
    downloads.start(HubRequest(repo="d/m-d"), SIZE)
    assert len(flows.open) == 3 and states(downloads)["m-d"] == "waiting"
    finish(asked[0])
    assert states(downloads)["m-a"] == "done" and len(flows.open) == 3


def test_finished_tells_what_to_open(downloads: Downloads, flows: Any) -> None:
    """Given all files, Then one signal names the file to open, and it lies there whole."""
    ends: list[tuple[str, str]] = []
    downloads.finished.connect(lambda repo, path: ends.append((repo, path)))
    finish(begin(downloads, flows, "a/one"))
    ((repo, path),) = ends
    assert repo == "a/one" and Path(path).name == "model.onnx" and Path(path).stat().st_size == SIZE


def test_pause_keeps_and_resume_goes_on(downloads: Downloads, flows: Any, space: SimpleNamespace) -> None:
    """Given one under way, When it is paused, Then its pieces stay; going on uses the same place."""
    asked = begin(downloads, flows, "a/one")
    place = Path(asked.params.place)
    (place / "files" / "piece").write_bytes(b"x" * 400)
    downloads.pause("a/one")
    assert states(downloads) == {"one": "paused"} and (place / "files" / "piece").exists()
    downloads.resume("a/one")
    flows.open[0].answer(found("a/one"))
    assert flows.open[0].params.place == str(place)


def test_cancel_leaves_nothing(downloads: Downloads, flows: Any) -> None:
    """Given one under way, When it is cancelled, Then it is off the list and off the disk."""
    asked = begin(downloads, flows, "a/one")
    place = Path(asked.params.place)
    downloads.cancel("a/one")
    assert downloads.values == () and not place.exists()


def test_cancel_from_elsewhere_counts_as_cancel(downloads: Downloads, flows: Any) -> None:
    """Given a paused and resumed one, When the list of jobs stops it, Then it goes: that was no pause."""
    asked = begin(downloads, flows, "a/one")
    downloads.pause("a/one")
    downloads.resume("a/one")
    flows.open[0].cancel()
    assert downloads.values == ()
    assert asked.is_over


def test_a_paused_one_can_be_thrown_away(downloads: Downloads, flows: Any, space: SimpleNamespace) -> None:
    """Given a pause, When it is cancelled then, Then its pieces go, too."""
    begin(downloads, flows, "a/one")
    downloads.pause("a/one")
    assert len(ModelCache(space.paths.hub).pending_downloads()) == 1
    downloads.cancel("a/one")
    assert downloads.values == () and ModelCache(space.paths.hub).pending_downloads() == ()


def test_a_failure_is_told_and_can_go_on(downloads: Downloads, flows: Any) -> None:
    """Given a lost connection, Then its words stand in the line, and going on begins again."""
    failures: list[str] = []
    downloads.failed.connect(lambda _repo, error: failures.append(error.code))
    begin(downloads, flows, "a/one").fail("hub_broke_off")
    (value,) = downloads.values
    assert (value.state, failures) == ("failed", ["hub_broke_off"])
    assert value.note == "Title hub_broke_off. Hint hub_broke_off."
    downloads.resume("a/one")
    assert len(flows.open) == 1


def test_what_was_left_the_last_time(downloads: Downloads, flows: Any, space: SimpleNamespace) -> None:
    """Given pieces of a closed program, Then they are shown as paused and go on at the same commit, without a look."""
    pending = PendingDownload.of("http://127.0.0.1:9", HubRequest(repo="a/one"), found("a/one"))
    place = ModelCache(space.paths.hub).begin(pending)
    (place / "files" / "model.onnx").write_bytes(b"x" * 300)
    downloads.find_arrivals()
    (value,) = downloads.values
    assert (value.name, value.state, value.done_bytes, value.total_bytes) == ("one", "paused", 300, SIZE)
    downloads.resume("a/one")
    assert [asked.kind for asked in flows.open] == ["hub_download"]
    assert flows.open[0].params.commit == COMMIT


def test_the_same_is_not_begun_twice(downloads: Downloads, flows: Any) -> None:
    """Given one under way, When it is asked for again, Then there is one."""
    begin(downloads, flows, "a/one")
    downloads.start(HubRequest(repo="a/one"), SIZE)
    assert len(flows.open) == 1


def test_what_is_here_already_is_not_fetched(downloads: Downloads, flows: Any) -> None:
    """Given a model that was downloaded before, Then it is done at once and says so."""
    finish(begin(downloads, flows, "a/one"))
    downloads.start(HubRequest(repo="a/one"), SIZE)
    flows.asked[-1].answer(found("a/one"))
    (value,) = downloads.values
    assert value.state == "done" and "here already" in value.note
