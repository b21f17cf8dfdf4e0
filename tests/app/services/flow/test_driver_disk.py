"""Test that large folders are hashed in a thread."""

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flows import go
from spaces import opened_space

from app.services.flow import background
from app.services.flow.artifacts import ArtifactStore
from app.services.flow.background import Stopped
from app.services.flow.driver import Driver
from app.services.flow.events import Event, JobBegan, StepProgress, ignore
from app.services.flow.steps import DiskStep, Flow, FlowCancelled
from app.services.flow.workspace import Workspace
from app.services.opening.opening import open_model
from presets.sample import sample_paths
from workers.contracts.jobs import OpenParams
from workers.model_io.opening import TRYING_IT


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Yield a workspace in which everything counts as large."""
    monkeypatch.setattr(background, "INLINE_BYTES", -1)
    with opened_space(tmp_path / "data") as made:
        yield made


def sample_params() -> OpenParams:
    return OpenParams(path=str(sample_paths().model))


def later(space: Workspace) -> Workspace:
    """Return the workspace as the next start of the program sees it."""
    return Workspace(space.paths, space.jobs, ArtifactStore(space.paths.store), space.pool, space.database)


def test_model_opened_again_comes_from_the_store(space: Workspace) -> None:
    """Given an opened model, When the next start opens it again, Then its job ends as soon as it knows the content, and
    the stored result is used."""
    first = go(space, open_model(sample_params()))
    report: list[Event] = []
    second = go(later(space), open_model(sample_params()), report.append)
    assert first.key == second.key and second.folder.is_dir()
    assert [event.kind for event in report if isinstance(event, JobBegan)] == ["open"]
    assert not [event for event in report if isinstance(event, StepProgress) and event.stage == TRYING_IT]
    assert not list(space.jobs.iterdir())


def test_damaged_entry_is_made_again(space: Workspace) -> None:
    """Given a stored folder with a changed byte, Then the job runs again."""
    first = go(space, open_model(sample_params()))
    file = next(path for path in first.folder.iterdir() if path.suffix == ".onnx")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    report: list[Event] = []
    second = go(later(space), open_model(sample_params()), report.append)
    assert second.key == first.key and file.read_bytes()[-1:] != b"x"
    assert [event.kind for event in report if isinstance(event, JobBegan)] == ["open", "open"]


def test_a_model_under_another_name_is_opened_anew(space: Workspace, tmp_path: Path) -> None:
    """Given the same bytes in another folder, under another name, or with other labels, Then each is opened as another
    model."""
    first = go(space, open_model(sample_params()))
    keys = []
    for name, labels in (("a/clothes.onnx", ""), ("b/shirts.onnx", ""), ("c/clothes.onnx", "one\ntwo")):
        path = tmp_path / name
        path.parent.mkdir()
        shutil.copyfile(sample_paths().model, path)
        if labels:
            (path.parent / "labels.txt").write_text(labels)
        keys.append(go(space, open_model(OpenParams(path=str(path)))).key)
    assert len({first.key, *keys}) == 4 and keys[0] not in keys[1:]


def test_cancel_while_the_folder_is_hashed_stores_nothing(space: Workspace) -> None:
    """Given a job that has ended, When it is cancelled while its folder is hashed, Then nothing is stored."""
    made = Driver(space, open_model(sample_params()), ignore)
    while not made._disk.is_running or made._job is not None or not list(space.jobs.iterdir()):
        assert made.tick()
    made.cancel()
    while made.tick():
        pass
    kept = list(space.paths.store.rglob("result.json"))
    assert isinstance(made.error, FlowCancelled) or kept  # it had been kept already when the wish came
    assert isinstance(made.error, FlowCancelled) is not bool(kept)
    shutil.rmtree(space.paths.store, ignore_errors=True)


def test_disk_step_runs_in_a_thread(space: Workspace) -> None:
    """Given a disk step, Then it runs in another thread, and the flow gets its result or error."""

    def flow() -> Flow[tuple[bool, str]]:
        elsewhere = yield DiskStep(lambda stopped: threading.current_thread() is not threading.main_thread())
        try:
            yield DiskStep(lambda stopped: int("none"))
        except ValueError as error:
            return elsewhere, str(error)
        raise AssertionError("it did not raise")

    elsewhere, report = go(space, flow())
    assert elsewhere
    assert "none" in report


@pytest.mark.parametrize("hears", [True, False])
def test_cancelled_disk_step_ends_or_counts_as_done(space: Workspace, hears: bool) -> None:
    """Given a disk step, When it is cancelled, Then the flow is cancelled; work that completed all the same counts as
    done."""
    begun, seen = threading.Event(), list[str]()

    def work(stopped: Stopped) -> str:
        begun.set()
        while not stopped():
            time.sleep(0.001)
        if hears:
            raise InterruptedError
        return "done"

    def flow() -> Flow[None]:
        seen.append((yield DiskStep(work)))

    driver = Driver(space, flow(), ignore)
    assert begun.wait(10)
    driver.cancel()
    while driver.tick():
        pass
    assert isinstance(driver.error, FlowCancelled) is hears
    assert seen == ([] if hears else ["done"])
