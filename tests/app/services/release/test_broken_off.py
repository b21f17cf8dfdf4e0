"""Test a release that a kill or a full disk ends at any moment: no partial bundle remains, and no old one is lost."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from quick_describe import describe_quickly
from released import compared_folder, exported, kept, released
from spaces import opened_space

from app.paths import clear_leftovers
from app.services.records.decisions import read_decisions
from app.services.release import releasing
from app.services.release.record import read_current, read_releases

ROOT = Path(__file__).resolve().parents[4]
SCRIPT = Path(__file__).with_name("killed_release.py")
BUNDLE_BYTES = 3 << 20
KILLED = 9
POINTS = 20


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a closed data folder with one release, and the bundle of the next one."""
    root = compared_folder(tmp_path_factory.mktemp("first"))
    with pytest.MonkeyPatch.context() as quick, opened_space(root / "data") as space:
        quick.setattr(releasing, "describe", describe_quickly)
        released(space, exported(space, root, "v1", "one"))
    (root / "next.zip").write_bytes(os.urandom(BUNDLE_BYTES))
    return root


Release = Callable[[Path, str, int], tuple[int, dict[str, object]]]


@pytest.fixture(scope="module")
def broken_off(before: Path) -> Iterator[Release]:
    """Return a function that releases from a copy of the data folder; it returns the exit code and the report."""
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(SCRIPT.parents[1]))),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with subprocess.Popen(
        [sys.executable, str(SCRIPT)], cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as script:

        def release(folder: Path, how: str, number: int) -> tuple[int, dict[str, object]]:
            shutil.copytree(before / "data", folder / "data")
            request = [str(folder / "data"), str(before / "next.zip"), "v2", how, number]
            print(json.dumps(request), file=script.stdin, flush=True)
            report: dict[str, object] = {}
            while "code" not in report:
                report |= json.loads(script.stdout.readline())
            return int(str(report["code"])), report

        yield release


def check_whole(before: Path, home: Path, *, is_released: bool | None) -> None:
    """Check the data folder as the next start of the program finds it."""
    with opened_space(home) as space:
        clear_leftovers(space.paths)
        found, current = read_releases(space.repositories, "p1"), read_current(space.repositories, "p1")
        files, log = kept(space), read_decisions(space.repositories, "p1")
    assert all(name == f"{hashlib.sha256(content).hexdigest()}.zip" for name, content in files.items()), "half a bundle"
    assert {one.file_name for one in found} <= set(files), "a bundle was lost"
    assert current.number == found[0].number == len(found)
    assert log.broken_at is None and len(log.entries) == len(found)
    assert len(found) in (1, 2) and (is_released is None or (len(found) == 2) is is_released)
    old = next((before / "data" / "releases").glob("*.zip"))
    assert files[old.name] == old.read_bytes()


@pytest.fixture(scope="module")
def moments(before: Path, broken_off: Release, tmp_path_factory: pytest.TempPathFactory) -> int:
    """Return how many moments an undisturbed release has."""
    folder = tmp_path_factory.mktemp("whole")
    code, report = broken_off(folder, "none", 0)
    assert (code, report["number"]) == (0, 2)
    check_whole(before, folder / "data", is_released=True)
    assert int(str(report["seen"])) >= POINTS
    return int(str(report["seen"]))


def kill_at(before: Path, broken_off: Release, moments: int, tmp_path: Path, share: float) -> None:
    number = max(1, min(moments, round(share * moments)))
    code, _ = broken_off(tmp_path, "kill", number)
    assert code == KILLED, f"it was not killed at moment {number} of {moments}"
    check_whole(before, tmp_path / "data", is_released=None)


def fill_at(before: Path, broken_off: Release, tmp_path: Path, share: float) -> None:
    largest = max(path.stat().st_size for path in (before / "data").glob("fettle.db*"))
    limit = largest + (64 << 10) + round(share * (BUNDLE_BYTES - largest - (128 << 10)))
    code, report = broken_off(tmp_path, "fill", limit)
    assert (code, report["refused"]) == (0, "not_kept")
    check_whole(before, tmp_path / "data", is_released=False)


@pytest.mark.whole
@pytest.mark.parametrize("share", [0.6, 1.0])
def test_killed_release_is_whole_or_absent(
    before: Path, broken_off: Release, moments: int, tmp_path: Path, share: float
) -> None:
    """Given a release, When the program is killed in its middle or at its last moment, Then the next start finds the
    release complete or absent, and the earlier one intact."""
    kill_at(before, broken_off, moments, tmp_path, share)


@pytest.mark.whole
def test_release_on_a_full_disk_is_refused(before: Path, broken_off: Release, tmp_path: Path) -> None:
    """Given a disk with room for half of the bundle, Then the release is refused, and the earlier one is intact."""
    fill_at(before, broken_off, tmp_path, 0.5)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("at", range(POINTS))
def test_killed_release_at_twenty_moments(
    before: Path, broken_off: Release, moments: int, tmp_path: Path, at: int
) -> None:
    """Given the same at twenty moments from the first to the last."""
    kill_at(before, broken_off, moments, tmp_path, (at + 1) / POINTS)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("at", range(POINTS))
def test_a_disk_that_fills_at_twenty_sizes(before: Path, broken_off: Release, tmp_path: Path, at: int) -> None:
    """Given the same at twenty sizes from nothing to nearly all of the bundle."""
    fill_at(before, broken_off, tmp_path, at / POINTS)
