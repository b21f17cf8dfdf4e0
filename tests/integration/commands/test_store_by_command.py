"""`fettle store` and `fettle store free`, as other tools call them."""

import dataclasses
import os
import shutil
import time
from pathlib import Path

import pytest
from fettle_command import Fettle
from finished_run import finished_folder

from app.cli.output import Globals
from app.cli.session import workspace
from app.instance import InstanceLock
from app.paths import DataPaths
from app.services.projects.projects import delete_for_good, move_to_trash
from workers.contracts.process.disk import file_sizes

FIELDS = ["projects", "bytes", "freeable_bytes"]


@pytest.fixture
def home(tmp_path: Path) -> Fettle:
    """Give the data folder of a finished run, whose jobs are those of the run as its recorder notes them."""
    folder = finished_folder(tmp_path) / "data"
    with workspace(Globals(data_dir=folder), writes=True) as space:
        for job in space.repositories.jobs.list():
            space.repositories.jobs.update(dataclasses.replace(job, run_id="r1"))
    return Fettle(folder)


def test_store_shows_what_each_project_holds(home: Fettle) -> None:
    """Given a finished run, then the document has the fields of the contract, the sum is that of the files on disk, and
    nothing is freeable while the run can go on; a read-only command works while a window is open."""
    with InstanceLock.take(DataPaths(home.home), "window", "Fettle's window"):
        done = home.here("store", "--json")
    assert done.code == 0 and list(done.document) == FIELDS
    (project,) = done.document["projects"]
    assert list(project) == ["id", "title", "bytes", "freeable_bytes"]
    assert done.document["bytes"] == sum(file_sizes(home.home / "store")) == project["bytes"] > 1_000_000
    assert (done.document["freeable_bytes"], project["freeable_bytes"]) == (0, 0)
    assert project["id"] in home.here("store").out


def test_store_free_removes_caches_and_the_run_is_compared_as_before(home: Fettle) -> None:
    """Given a finished run, when everything that no row names is freed, then the forecast removes nothing and is right
    to the byte, and the comparison shows the same as before."""
    before = home.here("compare", "r1", "--json").document
    forecast = home.here("store", "free", "--dry-run", "--keep-days", "0", "--json").document
    assert forecast["freeable_bytes"] > 0
    assert home.here("store", "--json").document["bytes"] == forecast["bytes"]
    after = home.here("store", "free", "--keep-days", "0", "--json")
    assert after.code == 0 and list(after.document) == FIELDS
    assert after.document["bytes"] == forecast["bytes"] - forecast["freeable_bytes"]
    assert after.document["freeable_bytes"] == 0
    assert home.here("compare", "r1", "--json").document == before


def test_store_free_of_a_deleted_project_leaves_nothing(home: Fettle) -> None:
    """Given the only project, when it is deleted for good, then all that it held is freed."""
    with workspace(Globals(data_dir=home.home), writes=True) as space:
        move_to_trash(space.repositories, "p1")
        delete_for_good(space.repositories, "p1")
    done = home.here("store", "free", "--json")
    assert (done.code, done.document) == (0, {"projects": [], "bytes": 0, "freeable_bytes": 0})
    assert not [path for path in (home.home / "store").rglob("*") if path.is_file()]


def test_store_free_during_an_open_window_is_refused(home: Fettle) -> None:
    """Given another program that holds the data folder, then freeing answers 6 and names it, and the forecast works."""
    with InstanceLock.take(DataPaths(home.home), "window", "Fettle's window"):
        refused = home.here("store", "free", "--json")
        assert home.here("store", "free", "--dry-run", "--json").code == 0
    assert refused.code == 6 and refused.error["code"] == "data_folder_busy"


@pytest.mark.parametrize("days", ["-1", "x"])
def test_store_free_with_bad_days_is_wrong_usage(home: Fettle, days: str) -> None:
    """Given days that are none, then that is wrong usage."""
    assert home.here("store", "free", "--keep-days", days).code == 2


def test_store_free_keeps_what_was_used_within_the_days(home: Fettle) -> None:
    """Given all entries last used ten days ago, then 7 days free the caches and 14 days none."""
    for folder in (home.home / "store").glob("*/*"):
        os.utime(folder, (time.time() - 10 * 24 * 3600,) * 2)
    assert home.here("store", "free", "--dry-run", "--keep-days", "14", "--json").document["freeable_bytes"] == 0
    assert home.here("store", "free", "--dry-run", "--json").document["freeable_bytes"] > 0
    shutil.rmtree(home.home / "store")
    assert home.here("store", "--json").document["bytes"] == 0
