"""Test what projects hold on disk, what of it nothing needs, and how that is removed while others work."""

import dataclasses
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flows import go
from records import NOW, project, run, variant
from spaces import opened_space

from app.domain.job import ArtifactRecord, JobRecord
from app.domain.run import RunState
from app.paths import DataPaths
from app.persistence import NotFound
from app.services.flow.artifacts import ArtifactStore
from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.steps import DiskStep, Flow
from app.services.flow.workspace import Workspace
from app.services.opening.opening import open_model
from app.services.projects import storage
from app.services.projects.projects import delete_for_good, move_to_trash
from app.services.projects.storage import DAY_S, Freed, Storage, free, measure
from app.services.release.record import Release, write_release
from presets.sample import sample_paths
from workers.contracts.jobs import OpenParams

ROOT = Path(__file__).parents[4]


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    with opened_space(tmp_path / "data") as made:
        yield made


def key(name: str) -> str:
    """Return a key as the store makes them."""
    return hashlib.sha256(name.encode()).hexdigest()


def keep(space: Workspace, name: str, size: int, *, run_id: str | None = None, kind: str = "apply") -> str:
    """Put an artifact of about `size` bytes into the store, as a job of `run_id` does."""
    work = space.jobs / name
    work.mkdir(parents=True)
    (work / "weights").write_bytes(bytes(size))
    entry = space.artifacts.adopt(work, key(name), {})
    space.repositories.jobs.add(JobRecord(f"{kind}-{name}", kind, name, "finished", "cpu", NOW, run_id))
    made_by = f'{{"job": "{kind}-{name}"}}'
    record = ArtifactRecord(entry.key, kind, entry.sha256, entry.size_bytes, datetime.now(UTC), made_by)
    space.repositories.artifacts.add(record)
    return entry.key


def age(space: Workspace, *keys: str, days: float = 30) -> None:
    """Set the last use of these entries to some days ago."""
    for one in keys:
        then = time.time() - days * DAY_S
        os.utime(space.artifacts.folder(one), (then, then))


def two_projects(space: Workspace) -> None:
    """Add project "p1" with the run "r1", whose model and one version are stored, and "p2" of the same model."""
    repositories = space.repositories
    shared = keep(space, "model", 40_000)
    repositories.projects.add(project(model_key=shared))
    repositories.projects.add(project(id="p2", name="Other", model_path="/models/other.onnx", model_key=shared))
    repositories.runs.add(run(1))
    made = [variant(0, artifact_key=shared), variant(1, artifact_key=keep(space, "version", 20_000, run_id="r1"))]
    for one in made:
        repositories.variants.add(one)


def measured(space: Workspace, days: int = 7) -> Storage:
    return measure(space.paths, space.artifacts, days)


def freed(space: Workspace, days: int = 7, most_bytes: int | None = None) -> Freed:
    return go(space, free(space, days, most_bytes))


def freeable(space: Workspace) -> set[str]:
    return {thing.key for thing in measured(space).freeable}


def is_there(space: Workspace, name: str) -> bool:
    return space.artifacts.folder(key(name)).is_dir()


def test_storage_counts_a_shared_artifact_for_each_project_and_once_in_all(space: Workspace) -> None:
    """Given two projects that share a model, one of them with a version, Then each counts the model, the sum counts it
    once, and nothing is freeable."""
    two_projects(space)
    found = measured(space)
    sizes = {one.id: one.size_bytes for one in found.projects}
    assert 60_000 < sizes["p1"] < 62_000 and 40_000 < sizes["p2"] < 41_000
    assert found.size_bytes == sizes["p1"] and found.other_bytes == 0
    assert (found.freeable_bytes, found.freeable) == (0, ())
    assert [one.title for one in found.projects] == ["Colors", "Other"]


def test_bundles_of_a_web_service_belong_to_its_project_and_stay(space: Workspace) -> None:
    """Given the folder of a project's web service and one of no project, Then each is counted where it belongs, and
    nothing of them is freed, because a kept service may run from there."""
    two_projects(space)
    before = measured(space, 0)
    for project_id, size in (("p2", 5_000), ("gone", 300)):
        bundle = space.paths.services / project_id / "bundles" / "v1"
        bundle.mkdir(parents=True)
        (bundle / "model.onnx").write_bytes(bytes(size))
    found = measured(space, 0)
    sizes = [{one.id: one.size_bytes for one in storage.projects} for storage in (before, found)]
    assert {name: sizes[1][name] - sizes[0][name] for name in sizes[0]} == {"p1": 0, "p2": 5_000}
    assert (found.size_bytes - before.size_bytes, found.other_bytes) == (5_300, 300)
    assert freed(space, 0).size_bytes == before.freeable_bytes and bundle.is_dir()


def test_free_removes_what_a_deleted_project_held_alone(space: Workspace) -> None:
    """Given two projects that share a model, When one is deleted for good, Then its version is freeable at once and is
    removed with its provenance, and the shared model stays."""
    two_projects(space)
    move_to_trash(space.repositories, "p1")
    assert measured(space, 0).freeable_bytes == 0  # the trash gives it back whole
    delete_for_good(space.repositories, "p1")
    assert freeable(space) == {key("version")}
    done = freed(space)
    assert done.keys == (key("version"),) and 20_000 < done.size_bytes < 21_000
    assert not is_there(space, "version") and is_there(space, "model")
    assert done.storage.freeable_bytes == 0
    with pytest.raises(NotFound):
        space.repositories.artifacts.get(key("version"))


def test_cache_entries_of_a_run_are_kept_for_its_continuation(space: Workspace) -> None:
    """Given an interrupted run with a cache entry that no row names, Then it is kept for seven days after its last use,
    `keep_days` 0 frees it now, and it counts for this project."""
    two_projects(space)
    space.repositories.runs.update(dataclasses.replace(run(1), state=RunState.INTERRUPTED))
    keep(space, "screened", 5_000, run_id="r1", kind="answer")
    assert measured(space).freeable_bytes == 0
    age(space, key("screened"), days=6.9)
    assert measured(space).freeable_bytes == 0
    found = measured(space, 0)
    assert found.freeable_bytes > 5_000
    assert {one.id: one.freeable_bytes > 0 for one in found.projects} == {"p1": True, "p2": False}
    age(space, key("screened"), days=7.1)
    assert freeable(space) == {key("screened")}
    assert space.artifacts.get(key("screened")) is not None  # a run went on with it
    assert measured(space).freeable_bytes == 0


def test_measurements_are_kept_without_a_run(space: Workspace) -> None:
    """Given a measurement and predictions of jobs without a run, Then the measurement is kept for seven days."""
    keep(space, "times", 900, kind="measured")
    keep(space, "looked", 900, kind="answer")
    assert freeable(space) == {key("looked")}
    age(space, key("times"), days=8)
    assert freeable(space) == {key("looked"), key("times")}


def test_artifacts_of_a_lost_database_are_kept_for_a_week(space: Workspace) -> None:
    """Given an artifact that the database does not know, Then it is freeable after a week."""
    keep(space, "orphan", 900)
    space.repositories.artifacts.delete(key("orphan"))
    assert measured(space).freeable_bytes == 0
    age(space, key("orphan"), days=8)
    assert measured(space).freeable_bytes > 900


def test_bundles_of_releases_stay_and_those_of_deleted_projects_go(space: Workspace) -> None:
    """Given the bundle of a release, one of a deleted project, and one that was just written, Then only the second is
    freeable."""
    space.repositories.projects.add(project())
    for name in ("released", "gone", "on its way"):
        path = space.paths.releases / f"{key(name)}.zip"
        path.write_bytes(bytes(3_000))
        if name != "on its way":
            os.utime(path, (0, 0))
    made = Release(number=1, run_id="r1", variant_id="v1", title="INT8", target="python", sha256=key("released"),
                   size_bytes=3_000, released_at=NOW)  # fmt: skip
    write_release(space.repositories, "p1", made)
    found = measured(space)
    assert [thing.path.stem for thing in found.freeable] == [key("gone")]
    assert found.projects[0].size_bytes == 3_000
    assert freed(space).size_bytes == 3_000
    assert {path.stem for path in space.paths.releases.iterdir()} == {key("released"), key("on its way")}


def test_limit_removes_the_oldest_until_it_holds(space: Workspace) -> None:
    """Given three freeable artifacts of 10 kB and a needed one of 40 kB, When the limit is 56 kB, Then the two oldest
    are removed; with a lower limit all three are, and nothing else."""
    space.repositories.projects.add(project(model_key=keep(space, "model", 40_000)))
    for days, name in ((20, "old"), (30, "oldest"), (10, "newer")):
        keep(space, name, 10_000)
        age(space, key(name), days=days)
    assert freed(space, most_bytes=56_000).keys == (key("oldest"), key("old")) and is_there(space, "newer")
    assert freed(space, most_bytes=1).keys == (key("newer"),) and is_there(space, "model")


def test_key_that_a_record_of_any_kind_names_is_needed(space: Workspace) -> None:
    """Given an artifact that only a setting, or only the result of a needed artifact names, Then it is needed."""
    space.repositories.projects.add(project(info_json=f'{{"anywhere": ["{keep(space, "named", 900)}"]}}'))
    inner = keep(space, "inner", 900)
    work = space.jobs / "outer"
    work.mkdir()
    space.artifacts.adopt(work, key("outer"), {"parts": [inner]})
    space.repositories.projects.add(project(id="p2", model_key=key("outer"), model_path="/b"))
    assert measured(space, 0).freeable == ()


def opened_twice(space: Workspace, meanwhile: list[Storage]) -> Flow[bool]:
    """Open the sample, free everything that nothing needs, and return whether the model still exists."""
    model = yield from open_model(OpenParams(path=str(sample_paths().model)))
    done: Freed = yield DiskStep(lambda stopped: storage._free(space.paths, space.artifacts, 0, None, stopped))
    meanwhile.append(done.storage)
    return model.folder.is_dir()


def test_running_flow_keeps_its_entries(space: Workspace) -> None:
    """Given a flow with a stored model that no row names, When everything is freed while it runs, Then the model stays
    until the flow ends."""
    meanwhile: list[Storage] = []
    for _ in range(2):  # made, then found in the store
        assert go(space, opened_twice(space, meanwhile))
    assert [one.freeable_bytes for one in meanwhile] == [0, 0]
    assert measured(space, 0).freeable_bytes > 0 and not space.artifacts.held


def test_flow_that_is_interrupted_lets_go(space: Workspace) -> None:
    """Given a flow that is interrupted, Then nothing is held any more."""
    driver = Driver(space, opened_twice(space, []), ignore)
    while not space.artifacts.held and driver.tick():
        time.sleep(0.01)
    assert space.artifacts.held
    driver.interrupt()
    assert not space.artifacts.held


def test_entry_that_came_into_use_after_the_count_stays(space: Workspace) -> None:
    """Given an entry that was counted as freeable, When a flow holds it or has used it since, Then it is not removed;
    otherwise it is."""
    keep(space, "cache", 900)
    age(space, key("cache"))
    (thing,) = measured(space).freeable
    space.artifacts.hold([thing.key])
    assert not storage._remove(space.artifacts, thing)
    space.artifacts.allow_removal([thing.key])
    assert space.artifacts.get(thing.key) is not None
    assert not storage._remove(space.artifacts, thing) and is_there(space, "cache")
    age(space, key("cache"))
    (thing,) = measured(space).freeable
    assert storage._remove(space.artifacts, thing) and not is_there(space, "cache")
    assert space.artifacts.get(thing.key) is None


KILLED = """
import os, shutil, sys
from pathlib import Path
from app.paths import find_data_folder
from app.services.flow.artifacts import ArtifactStore
from app.services.projects import storage
paths = find_data_folder(Path(sys.argv[1]))
real, left = shutil.rmtree, [1]
def rmtree(path, **more):
    if not left:
        next(Path(path).iterdir()).unlink()
        os._exit(9)
    left.pop()
    real(path, **more)
shutil.rmtree = rmtree
storage._free(paths, ArtifactStore(paths.store), 0, None, lambda: False)
"""


def test_free_that_is_killed_loses_nothing_and_ends_the_next_time(space: Workspace) -> None:
    """Given three freeable artifacts, When the program is killed while it removes the second, Then everything needed is
    intact, and the next call removes the rest."""
    two_projects(space)
    for name in ("a", "b", "c"):
        keep(space, name, 10_000)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(space.paths.root)], cwd=ROOT, check=False)
    assert killed.returncode == 9
    assert len(list((space.paths.store / ".freed").iterdir())) == 1
    assert sum(is_there(space, name) for name in ("a", "b", "c")) == 1
    again = ArtifactStore(space.paths.store)
    assert all(again.get(key(name)) is not None for name in ("model", "version"))
    assert freed(space, 0).storage.freeable_bytes == 0 and not list((space.paths.store / ".freed").iterdir())
    assert not any(is_there(space, name) for name in ("a", "b", "c"))


def test_storage_of_an_empty_folder_is_nothing(tmp_path: Path) -> None:
    """Given an unused data folder, Then nothing is stored."""
    paths = DataPaths(tmp_path / "none")
    found = measure(paths, ArtifactStore(paths.store), 7)
    assert (found.projects, found.size_bytes, found.freeable_bytes) == ((), 0, 0)


def test_unfinished_work_is_kept_for_a_week(space: Workspace) -> None:
    """Given finished parts of an ended job, Then they are freeable a week after their last use."""
    folder = space.paths.unfinished / key("begun")
    folder.mkdir(parents=True)
    (folder / "layer").write_bytes(bytes(700))
    assert measured(space).freeable_bytes == 0
    os.utime(folder, (0, 0))
    assert [thing.path for thing in measured(space).freeable] == [folder]
    assert freed(space).size_bytes == 700 and not folder.exists()
