"""Test checked copies: made, counted, refused when changed or incomplete, and restored."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest

from app.domain.project import Project
from app.domain.run import StepRecord
from app.domain.variant import LatencyPoint
from app.paths import DataPaths
from app.persistence import Store, StoreUnusable, backup, open_store


def test_closing_makes_one_copy_a_day(paths: DataPaths) -> None:
    """Given a store that is closed three times, Then there is one copy; if it is old, a second one."""
    for _ in range(3):
        open_store(paths).close()
    (copy,) = backup.list_backups(paths.backups)
    assert copy.is_intact() and copy.path.stat().st_mode & 0o777 == 0o600
    old = copy.path.with_name(copy.path.name.replace(copy.path.stem[7:15], "20200101"))
    copy.path.rename(old)
    copy.hash_file.rename(old.with_name(old.name + ".sha256"))
    open_store(paths).close()
    assert len(backup.list_backups(paths.backups)) == 2


@pytest.mark.parametrize("ahead", [timedelta(days=-2), timedelta(days=400)])
def test_is_due_after_a_jump_of_the_clock(tmp_path: Path, ahead: timedelta) -> None:
    made_at = datetime.now(UTC) + ahead
    (tmp_path / f"fettle-{made_at.strftime(backup.TIME_FORMAT)}.db").touch()
    assert backup.is_due(tmp_path)


def test_five_intact_copies_are_kept(filled: Store) -> None:
    """Given an open store, When seven copies are made, Then the five newest are kept with correct hashes."""
    made = [backup.make_backup(filled.paths.database, filled.paths.backups, label=str(n)) for n in range(7)]
    kept = backup.list_backups(filled.paths.backups)
    assert [copy.path for copy in kept] == [copy.path for copy in reversed(made[2:])]
    assert all(copy.is_intact() for copy in kept)
    assert len(list(filled.paths.backups.iterdir())) == 10
    assert backup.newest_intact(filled.paths.backups) == kept[0]


def test_a_changed_copy_is_not_used(filled: Store) -> None:
    """Given two copies, When one bit of the newer one changes, Then the older one is the newest intact copy, and the
    changed one is refused."""
    older, newer = (backup.make_backup(filled.paths.database, filled.paths.backups) for _ in range(2))
    content = bytearray(newer.path.read_bytes())
    content[len(content) // 2] ^= 1
    newer.path.write_bytes(content)
    assert backup.newest_intact(filled.paths.backups) == older
    with pytest.raises(StoreUnusable, match="was changed since"):
        backup.restore(newer, filled.paths.database)


def test_a_damaged_database_is_replaced_by_its_copy(paths: DataPaths, project: Project) -> None:
    """Given a damaged database, When a copy is restored, Then the records are there, and the old file is kept."""
    with open_store(paths) as store:
        store.repositories.projects.add(project)
    paths.database.write_bytes(b"rubbish")
    with pytest.raises(StoreUnusable):
        open_store(paths)
    assert backup.restore(backup.newest_intact(paths.backups), paths.database).read_bytes() == b"rubbish"
    with open_store(paths) as store:
        assert store.repositories.projects.list() == [project]


def test_lost_database_is_reported_with_its_copy(paths: DataPaths) -> None:
    open_store(paths).close()
    paths.database.unlink()
    with open_store(paths) as store:
        assert "A copy of the old one is" in store.notices[0]


def test_damaged_database_is_not_copied(paths: DataPaths) -> None:
    open_store(paths).close()
    content = bytearray(paths.database.read_bytes())
    content[4096 * 3 : 4096 * 4] = b"\xff" * 4096
    paths.database.write_bytes(content)
    before = sorted(paths.backups.iterdir())
    with pytest.raises(StoreUnusable):
        backup.make_backup(paths.database, paths.backups)
    assert sorted(paths.backups.iterdir()) == before


def test_a_full_disk_leaves_no_half_copy(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "write_whole", Mock(side_effect=OSError(28, "No space left on device")))
    with pytest.raises(StoreUnusable, match="No space left"):
        backup.make_backup(filled.paths.database, filled.paths.backups)
    assert list(filled.paths.backups.iterdir()) == []


ROOT = Path(__file__).parents[3]
WORK = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from app.domain.job import JobRecord
from app.domain.project import Project
from app.domain.run import Goal, Run, RunState, StepRecord
from app.domain.variant import LatencyPoint, Variant
from app.persistence import open_store
from workers.contracts.specs import Recipe
now = datetime.now(UTC)
repositories = open_store(Path(sys.argv[1])).repositories
repositories.projects.add(Project("p1", "n", "/m", "ab", now, now))
for name, state in (("r1", RunState.RUNNING), ("r2", RunState.FINISHED), ("r3", RunState.QUEUED)):
    repositories.runs.add(Run(name, "p1", Goal("balanced", 1.0), state, now))
repositories.runs.put_step(StepRecord("r1", 0, "Open", "done"))
repositories.runs.put_step(StepRecord("r1", 1, "Measure", "running"))
repositories.runs.put_step(StepRecord("r2", 0, "Measure", "running"))
repositories.variants.add(Variant("v1", "r1", 0, "t", Recipe(title="t"), "openvino", "fp32", "measured"))
repositories.jobs.add(JobRecord("j1", "measure", "t", "running", "cpu", now, run_id="r1"))
repositories.jobs.add(JobRecord("j2", "measure", "t", "finished", "cpu", now))
count = 0
while True:
    repositories.latencies.add_many("r1", [LatencyPoint("v1", count + i, 1.0) for i in range(50)])
    count += 50
    print(count, flush=True)
"""


def check(store: Store, kept: int) -> None:
    repositories = store.repositories
    assert len([*repositories.latencies.of_run("r1")]) >= kept
    assert len([*repositories.latencies.of_run("r1")]) % 50 == 0  # all of a batch or none
    assert [point.at_s for point in repositories.latencies.of_run("r1")][:3] == [0, 1, 2]
    assert isinstance(next(repositories.latencies.of_run("r1")), LatencyPoint)


def states(store: Store) -> tuple[list[str], list[str], list[str]]:
    """Return the states of the runs, of the steps of the running one, and of the jobs."""
    found = store.repositories
    return (
        [found.runs.get(name).state.value for name in ("r1", "r2", "r3")],
        [step.state for step in found.runs.steps("r1")],
        [found.jobs.get(name).state for name in ("j1", "j2")],
    )


def test_killed_program_leaves_its_records_and_interrupted_runs(paths: DataPaths) -> None:
    """Given a program that records a run, Then others read it as running; once the program is killed its runs are
    interrupted, even before that is stored, and each reported latency is there."""
    command = [sys.executable, "-c", WORK, str(paths.root)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(20):
            process.stdout.readline()
        with open_store(paths, read_only=True) as reader:
            assert states(reader) == (["running", "finished", "queued"], ["done", "running"], ["running", "finished"])
            process.send_signal(signal.SIGKILL)
            kept = max((int(line) for line in process.stdout.read().split()), default=1000)
            process.wait()
            check(reader, kept)
            gone = (["interrupted", "finished", "interrupted"], ["done", "skipped"], ["interrupted", "finished"])
            assert states(reader) == gone
            assert [run.state.value for run in reader.repositories.runs.list(project_id="p1")].count("interrupted") == 2
    before = paths.database.read_bytes()
    with open_store(paths, read_only=True) as reader:
        assert states(reader) == gone
    assert paths.database.read_bytes() == before
    with open_store(paths) as store:
        check(store, kept)
        assert states(store) == gone
        assert set(store.interrupted_runs) == {"r1", "r3"} and store.notices == ()
        assert store.repositories.runs.steps("r2") == [StepRecord("r2", 0, "Measure", "running")]
    with open_store(paths) as again:
        assert again.interrupted_runs == ()
