"""The sample optimized here and on another computer, which is this one behind the real agent and relay: same versions, same
recommendation, same bundle, and one version for both."""

import dataclasses
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from computer_elsewhere import Elsewhere, elsewhere
from finished_run import write_part
from flows import go
from short_runs import SHORT_RUNS
from spaces import opened_space

from app.computers.pool import RemotePool
from app.domain.run import Goal, Run, RunState
from app.services.after.exporting import ExportRequest, export
from app.services.flow.steps import JobError
from app.services.flow.workspace import Workspace
from app.services.projects.projects import project_for
from app.services.projects.running import RunRequest, data_params, resume_run, resumed_request, start_run
from app.services.records.facts import read_facts
from app.services.records.fleet import fleet_of_run
from presets.loader import load_presets
from presets.sample import sample_paths
from workers.contracts.jobs import OpenParams
from workers.contracts.specs import Recipe, RecipeStep

RECIPES = (
    Recipe(title="Faster engine", runtime="openvino", settings={"inference_precision": "f32"}),
    Recipe(
        title="INT8", runtime="onnxruntime-cpu",
        steps=(RecipeStep(technique="int8_static", params={"examples": 8, "reduce_range": True}),),
    ),
)  # fmt: skip
WITH_TIMES = {"manifest.json", "README.md", "card.html", "bom.json", "SHA256SUMS", "EVIDENCE.md", "GOVERNANCE.jsonl"}
"""Files of a bundle that state when, how fast, and which exports were decided before; all others must be the same."""


@dataclasses.dataclass
class There:
    """The other computer "pi" of a workspace."""

    bench: Elsewhere
    space: Workspace

    def pool(self, name: str) -> RemotePool:
        if name != "pi":
            raise KeyError(name)
        return RemotePool(self.space.pool.setup, self.bench.fork(), "another machine")

    def processors(self) -> dict[str, str]:
        return {"pi": "the same"}


@pytest.fixture
def spaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Workspace, Elsewhere]]:
    for name, value in SHORT_RUNS.items():
        monkeypatch.setenv(name, value)
    with opened_space(tmp_path / "home") as space, elsewhere(tmp_path / "pi", lease_s=5.0) as bench:
        yield dataclasses.replace(space, elsewhere=There(bench, space)), bench


def request_on(space: Workspace, data: Path, computer: str) -> RunRequest:
    sample = sample_paths()
    preset = load_presets().get("balanced").model_copy(update={"recipes": RECIPES, "by_traits": ()})
    project = project_for(space.repositories, sample.model)
    opening = OpenParams(path=str(sample.model), data_path=str(data))
    goal = Goal("balanced", 5.0, 120.0, threads=1, computer=computer)
    return RunRequest(project, opening, data_params(data, None, None, None), preset, goal)


def optimized(space: Workspace, data: Path, computer: str) -> Run:
    recorder, flow = start_run(space, request_on(space, data, computer), lambda event: None)
    return go(space, flow, recorder.watch)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_run_elsewhere_makes_the_same_versions_and_the_same_bundle(
    spaces: tuple[Workspace, Elsewhere], tmp_path: Path
) -> None:
    """Given the sample, When it is optimized here and on another computer, Then each version is made once, the same one is
    recommended or both keep the original, its bundle differs only where times are stated, and the table has both."""
    space, bench = spaces
    data = write_part(tmp_path / "some.npz", 0, 300)
    here, there = optimized(space, data, ""), optimized(space, data, "pi")
    first, second = read_facts(space, here.id), read_facts(space, there.id)
    keys = [{v.artifact_key for v in facts.variants if v.title in ("Original", "INT8")} for facts in (first, second)]
    assert keys[0] == keys[1]
    judged = [
        [v.judgement.verdict for v in facts.variants if v.is_baseline and v.judgement] for facts in (first, second)
    ]
    assert judged[0] == judged[1]
    assert {v.answers_key for v in first.variants}.isdisjoint({v.answers_key for v in second.variants if v.answers_key})
    made = [job.title for job in space.repositories.jobs.list() if job.kind == "apply"]
    assert made.count("INT8") == 1
    fleet = fleet_of_run(space.repositories, there)
    assert fleet is not None and [run.computer for run in fleet.runs] == ["", "pi"]
    best = fleet.recommended(fleet.runs[0])
    if best is not None:  # the other computer tried it too
        assert None not in best.variants
    bundles = []
    for facts in (first, second):
        chosen = next(v for v in facts.variants if v.title == "INT8")
        out = tmp_path / f"{facts.run.goal.computer or 'here'}.zip"
        go(space, export(space, facts, ExportRequest(out=out, variant_id=chosen.id, override_reason="a test")))
        with zipfile.ZipFile(out) as archive:
            bundles.append({name: archive.read(name) for name in archive.namelist()})
    assert bundles[0].keys() == bundles[1].keys()
    assert {name for name in bundles[0] if bundles[0][name] != bundles[1][name]} <= WITH_TIMES
    assert not list((bench.home / "jobs").glob("[!.]*"))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_run_on_a_computer_that_goes_away_is_resumed_when_it_is_back(
    spaces: tuple[Workspace, Elsewhere], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a run elsewhere, When the agent cannot be reached any more, Then only this run fails, with what was made, and it
    goes on when the agent is back."""
    space, bench = spaces
    data = write_part(tmp_path / "some.npz", 0, 120)
    recorder, flow = start_run(space, request_on(space, data, "pi"), lambda event: None)

    def watch(event: object) -> None:
        recorder.watch(event)  # type: ignore[arg-type]
        if getattr(event, "kind", "") == "measure":
            bench.wrapper = ("/bin/false",)

    with pytest.raises(JobError) as raised:
        go(space, flow, watch)
    run = space.repositories.runs.get(recorder.run.id)
    assert raised.value.error.code == "computer_lost" and run.state is RunState.FAILED
    bench.wrapper = ()
    before, request = resumed_request(space, run.id)
    recorder, flow = resume_run(space, before, request, lambda event: None)
    assert go(space, flow, recorder.watch).state in (RunState.FINISHED, RunState.KEPT_ORIGINAL)
