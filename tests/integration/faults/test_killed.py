"""Killed from outside: a worker, or the program itself in the middle of a run."""

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from fettle_command import Fettle, wait_for
from finished_run import write_part
from forking import is_server
from short_runs import SHORT_RUNS

from app.cli.output import Globals
from app.cli.session import run, workspace
from app.domain.run import Run, RunState
from app.services.flow.events import ignore
from app.services.flow.workspace import Workspace
from app.services.projects.running import RunRequest, data_params, resume_run
from presets.loader import load_recipes, preset_of_recipes
from presets.sample import sample_paths
from workers.contracts.jobs import OpenParams

RECIPES = """
- title: First
  runtime: onnxruntime-cpu
  settings: {num_threads: 1}
  steps: [{technique: graph_optimize}]
- title: Second
  runtime: openvino
  settings: {num_threads: 1}
  steps: [{technique: fixed_shape}]
"""


@pytest.fixture
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With 120 pictures of the sample next to it."""
    for name, value in SHORT_RUNS.items():
        monkeypatch.setenv(name, value)  # some runs go on in this process
    write_part(tmp_path / "some.npz", 0, 120)
    path = tmp_path / "two.yaml"
    path.write_text(RECIPES)
    return path


def arguments(recipes: Path) -> list[str | Path]:
    data = recipes.with_name("some.npz")
    return ["optimize", sample_paths().model, "--data", data, "--recipe", recipes, "--time-budget", "600", "--json"]


def worker_of(pid: int) -> psutil.Process | None:
    """The worker that the command waits for."""
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(pid).children(recursive=True):
            if "resource_tracker" not in " ".join(child.cmdline()) and not is_server(child):
                return child
    return None


@contextlib.contextmanager
def opened(fettle: Fettle) -> Iterator[Workspace]:
    with workspace(Globals(data_dir=fettle.home), writes=True) as space:
        yield space


@pytest.mark.timeout(400)
def test_killed_worker_and_killed_program_lose_no_figures(fettle: Fettle, recipes: Path) -> None:
    """Given a version's worker that is killed by SIGKILL, then this version is dropped in words and the run goes on;
    when the program is killed, too, then the run is interrupted, its figures are there, and it goes on."""
    process = fettle.start(*arguments(recipes))
    (first_job,) = wait_for(lambda: list(fettle.jobs.glob("apply-*")), every_s=0.002)
    wait_for(lambda: worker_of(process.pid), every_s=0.002).send_signal(signal.SIGKILL)
    wait_for(lambda: set(fettle.jobs.glob("apply-*")) - {first_job}, every_s=0.002)
    process.kill()
    _, err = process.communicate()
    assert "Traceback" not in err
    wait_for(lambda: not fettle.processes(), timeout_s=5)  # no orphan lives on

    with opened(fettle) as space:
        assert fettle.leftovers == []
        found = space.repositories.runs.list()
        assert [one.state for one in found] == [RunState.INTERRUPTED]
        variants = {v.title: v for v in space.repositories.variants.list(run_id=found[0].id)}
        assert "stopped from outside" in variants["First"].notes[0]
        baseline = variants["Original"]
        assert baseline.is_baseline and baseline.measurement.n > 0 and baseline.judgement is not None
        assert len([*space.repositories.latencies.of_run(found[0].id)]) >= baseline.measurement.n
        report = fettle("jobs", "--json").document  # reading works beside us
        assert [row["state"] for row in report["runs"]] == ["interrupted"]
        assert [job["state"] for job in report["jobs"] if job["kind"] == "apply"].count("crashed") == 1
        done = resumed(space, found[0], recipes)
        assert done.state in (RunState.FINISHED, RunState.KEPT_ORIGINAL)
        variants = {v.title: v for v in space.repositories.variants.list(run_id=done.id)}
        assert {"First", "Original", "Second"} <= set(variants)
        assert variants["Original"].id == baseline.id and variants["Second"].measurement.n > 0
    again = fettle.here("compare", done.id, "--json")
    assert again.code in (0, 4) and fettle.leftovers == []


def resumed(space: Workspace, interrupted: Run, recipes: Path) -> Run:
    """As the window does it."""
    project = space.repositories.projects.get(interrupted.project_id)
    request = RunRequest(
        project,
        OpenParams(path=str(sample_paths().model), data_path=str(recipes.with_name("some.npz"))),
        data_params(recipes.with_name("some.npz"), None, None, None),
        preset_of_recipes(recipes),
        interrupted.goal,
    )
    assert load_recipes(recipes) == request.preset.recipes
    recorder, flow = resume_run(space, interrupted, request, ignore)
    return run(space, flow, recorder.watch)


def test_two_programs_at_once(fettle: Fettle, recipes: Path, tmp_path: Path) -> None:
    """Given a data folder that another program holds, then writing answers 6 and names it, and reading works."""
    with opened(fettle):
        for command in (arguments(recipes), ["demo", "--json", "--out", tmp_path / "d.zip"]):
            busy = fettle.here(*command)
            assert busy.code == 6
            assert busy.error["code"] == "data_folder_busy"
            assert "process" in busy.error["detail"]
        for command in (["jobs"], ["describe"], ["inspect", sample_paths().model]):
            assert fettle.here(*command).code == 0


def contents(space: Workspace, run: Run) -> dict[str, tuple[str, str | None]]:
    """Each version's state and what its model's files hold."""
    found = {}
    for variant in space.repositories.variants.list(run_id=run.id):
        folder = space.artifacts.folder(str(variant.artifact_key)) / "model"
        found[variant.title] = (variant.state, space.artifacts.content_of(folder))
    return found


@pytest.mark.slow
def test_a_killed_run_ends_as_an_undisturbed_one(fettle: Fettle, recipes: Path, tmp_path: Path) -> None:
    """Given a run killed while it measured a version, when it goes on, then it ends as if nothing had happened."""
    process = fettle.start(*arguments(recipes))
    wait_for(lambda: list(fettle.jobs.glob("apply-*")), every_s=0.002)
    wait_for(lambda: list(fettle.jobs.glob("measure-*")), timeout_s=60, every_s=0.002)
    process.kill()
    process.wait()
    process.communicate()
    wait_for(lambda: not fettle.processes(), timeout_s=5)
    with opened(fettle) as space:
        (broken_off,) = space.repositories.runs.list()
        assert broken_off.state is RunState.INTERRUPTED
        done = resumed(space, broken_off, recipes)
        again = contents(space, done)
        best = {v.id: v.title for v in space.repositories.variants.list(run_id=done.id)}.get(
            done.recommended_variant_id or ""
        )
    other = Fettle(tmp_path / "undisturbed")
    undisturbed = other(*arguments(recipes))
    assert undisturbed.code in (0, 4), undisturbed.err
    with opened(other) as space:
        (run_,) = space.repositories.runs.list()
        whole = contents(space, run_)
    # whether one core is tried as well stands on a reading of the time, which two runs take apart
    assert {"First", "Original", "Second"} <= again.keys() & whole.keys()
    assert {title: whole[title][1] for title in again.keys() & whole.keys()} == {
        title: again[title][1] for title in again.keys() & whole.keys()
    }
    rows = {row["id"]: row["title"] for row in undisturbed.document["variants"]}
    assert best == rows.get(undisturbed.document["recommended"])
