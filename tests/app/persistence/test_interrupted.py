"""A program that is killed in the middle of a run: what was recorded is there, and the run is found as interrupted."""

import signal
import subprocess
import sys
from pathlib import Path

from app.domain.run import StepRecord
from app.domain.variant import LatencyPoint
from app.paths import DataPaths
from app.persistence import Store, open_store

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
    assert repositories.latencies.count("r1") >= kept
    assert repositories.latencies.count("r1") % 50 == 0  # all of a batch or none
    assert [point.at_s for point in repositories.latencies.of_run("r1")][:3] == [0, 1, 2]
    assert isinstance(next(repositories.latencies.of_run("r1")), LatencyPoint)


def states(store: Store) -> tuple[list[str], list[str], list[str]]:
    """Of the runs, of the steps of the one that was under way, of the jobs."""
    found = store.repositories
    return (
        [found.runs.get(name).state.value for name in ("r1", "r2", "r3")],
        [step.state for step in found.runs.steps("r1")],
        [found.jobs.get(name).state for name in ("j1", "j2")],
    )


def test_killed_program_leaves_its_records_and_interrupted_runs(paths: DataPaths) -> None:
    """Given a program that records a run, then others read it as under way; once the program is killed its runs are
    interrupted, although nobody wrote that down yet, and each latency that it reported is there."""
    command = [sys.executable, "-c", WORK, str(paths.root)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
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
