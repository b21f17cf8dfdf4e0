"""The hostile files as models of a hub: downloaded by the real client, opened from the shelf, and nothing runs."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from doors import NOT_MODELS, Verdict, complaint, drive, leftovers
from fakehub import FakeHub
from hostile_corpus.base import Entry
from test_corpus import ENGINE_LACKS, SOME, opens_later, refused_when_worked_with

from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from app.services.hub.flows import download_model
from app.services.opening.opening import open_model
from workers.contracts.hub import HubRequest
from workers.contracts.jobs import OpenParams


def served(path: Path, entry: Entry) -> bool:
    """What a hub can serve: plain files that can be read, of a size for a test."""
    if entry.group in (*NOT_MODELS, "odd-file") or path.is_symlink() or not path.is_file():
        return False
    return path.stat().st_size < 64 << 20


def publish(root: Path, number: int, path: Path, entry: Entry) -> str:
    """A repository of one model, with the plain files next to it; its name."""
    folder = root / "stranger" / f"model-{number}"
    folder.mkdir(parents=True)
    beside = path.parent.iterdir() if entry.group == "onnx-external" else [path]
    for file in beside:
        if file.is_file() and not file.is_symlink():
            shutil.copyfile(file, folder / hub_name(file.name))
    return f"stranger/model-{number}"


def hub_name(name: str) -> str:
    """Return `name`, or a plain one where no hub accepts it."""
    return name if name.isascii() and name.isprintable() and not set(name) & set("<>\"'`;&%?{}$ ") else "model.onnx"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where repositories are put before `FakeHub` begins to serve them."""
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "served"
    root.mkdir()
    yield root


def fetched_and_opened(space: Workspace, repo: str) -> Flow[object]:
    """Download all of it, with consent for pickles, then open what came."""
    done = yield from download_model(space, HubRequest(repo=repo, patterns=("*",), allow_pickle=True))
    return (yield from open_model(OpenParams(path=str(done.stored.open_path))))


def judge(entry: Entry, verdict: Verdict) -> str:
    """What is wrong with it; empty where nothing is. The complete workflow refuses also what can be looked at only."""
    wanted = opens_later(entry)
    if entry.file in ENGINE_LACKS or refused_when_worked_with(entry.file):
        return "" if verdict.exit_code in (0, 3) else str(verdict)
    if wanted:
        return "" if verdict.code == wanted else f"{entry.file} should be refused as {wanted}: {verdict}"
    if entry.group == "onnx-external" and verdict.code == "weights_missing":
        return ""  # links and pipes cannot be served, so they are missing here
    if entry.file.startswith("ext_hardlink/"):
        return "" if verdict.opened else str(verdict)  # what comes out of a hub is its own file
    return complaint(entry, verdict)


def go_through(
    space: Workspace,
    chosen: list[Entry],
    files: dict[str, Path],
    hub: Path,
    canary: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> int:
    chosen = [entry for entry in chosen if served(files[entry.file], entry)]
    repos = {entry.file: publish(hub, number, files[entry.file], entry) for number, entry in enumerate(chosen)}
    wrong = []
    with FakeHub(hub) as serving:
        monkeypatch.setenv("HF_ENDPOINT", serving.endpoint)
        for entry in chosen:
            verdict = drive(space, entry.file, fetched_and_opened(space, repos[entry.file]))
            if text := judge(entry, verdict):
                wrong.append(text)
    assert not wrong, "\n".join(wrong)
    assert list(canary.iterdir()) == [], "something was executed"
    assert leftovers(space) == []
    return len(chosen)


@pytest.mark.whole
def test_some_out_of_a_hub(
    space: Workspace,
    entries: dict[str, Entry],
    files: dict[str, Path],
    hub: Path,
    canary: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given every eleventh trick as a hub's model, When downloaded and opened, Then it ends as it should."""
    go_through(space, [entries[name] for name in SOME[::11]], files, hub, canary, monkeypatch)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_out_of_a_hub(
    space: Workspace,
    entries: dict[str, Entry],
    files: dict[str, Path],
    hub: Path,
    canary: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given all that a hub can serve, Then the same."""
    assert go_through(space, list(entries.values()), files, hub, canary, monkeypatch) > 220
