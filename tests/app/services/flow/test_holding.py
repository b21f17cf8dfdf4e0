"""What a flow uses in the store is held until its result was taken."""

from pathlib import Path

from small_jobs import Values, one, step

from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.steps import Flow, StepResult
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace


def test_entry_that_a_job_reads_is_held_until_the_flow_ends(space: Workspace, tmp_path: Path) -> None:
    """Given a job that reads an entry which no row names, as an export in progress does, then the entry cannot be moved
    aside until the flow is over."""
    key = "ab" * 32
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "weights").write_bytes(b"1")
    folder = space.artifacts.adopt(tmp_path / "made", key, {}).folder
    later_s = folder.stat().st_mtime + 1
    driver = Driver(space, one(step("sleep", {"seconds": 30}, read_paths=(folder / "weights",))), ignore)
    assert space.artifacts.held == {key}
    assert space.artifacts.set_aside(folder, later_s) is None and folder.is_dir()
    driver.interrupt()
    assert not space.artifacts.held
    assert space.artifacts.set_aside(folder, later_s) is not None and not folder.exists()


def test_key_of_a_cached_step_is_held_before_it_is_looked_for(space: Workspace) -> None:
    """Given a cached step, made and then found, then its key is held while the flow runs, and not after it."""
    held: list[frozenset[str]] = []

    def flow() -> Flow[str | None]:
        done: StepResult[Values] = yield step("echo", cache=True)
        held.append(space.artifacts.held)
        return done.key

    keys = [run_to_end(Driver(space, flow(), ignore)) for _ in range(2)]
    assert held == [frozenset({keys[0]})] * 2 and not space.artifacts.held


def test_path_outside_of_the_store_has_no_key(space: Workspace, tmp_path: Path) -> None:
    """Given paths of the person's own, the store itself, and a file of an entry, then only the last has a key."""
    artifacts = space.artifacts
    assert [artifacts.key_at(path) for path in (tmp_path / "x", artifacts.root, artifacts.root / "ab")] == [None] * 3
    assert artifacts.key_at(artifacts.folder("ab" * 32) / "model" / "x.onnx") == "ab" * 32
