"""Test runs that are measured on another computer: which jobs run there, under which keys, and how a loss ends them."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from play import Like, Play, failure
from staging import Make, Stage

from app.domain.run import Goal, RunState
from app.jobs.client import JobClient
from app.services.flow import steps as flow_steps
from app.services.flow.driver import Driver
from app.services.flow.measuring import Measurer
from app.services.flow.quiet import QuietBudget
from app.services.flow.workspace import Workspace
from app.services.records.fleet import fleet_document, fleet_of_run
from app.services.run.costs import IN_TURN
from workers.contracts.base import Nothing
from workers.contracts.jobs import DescribeResult
from workers.contracts.planning import Instructions
from workers.contracts.process.messages import Progress

THERE = {"describe", "plan", "answer", "measure"}
VERSIONS = {"A": Like(p50_ms=2), "B": Like(p50_ms=3)}


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Record the kind of each step and the computer where it runs."""
    seen: list[tuple[str, str]] = []
    reply = Play._reply

    def recording(play: Play, flow: flow_steps.Flow[Any], step: Any, kind: str) -> Any:
        seen.append((kind, step.computer if not isinstance(step, flow_steps.DiskStep) else ""))
        return reply(play, flow, step, kind)

    monkeypatch.setattr(Play, "_reply", recording)
    return seen


def test_only_machine_dependent_jobs_run_on_the_other_computer(stage: Make, places: list[tuple[str, str]]) -> None:
    """Given a goal that names another computer, When the run is done, Then it describes, plans, predicts and measures
    there, does everything else here, and the run still knows the computer."""
    one = stage(Like(p50_ms=4), VERSIONS, computer="pi")
    run = one.go()
    assert run.goal.computer == "pi" and run.recommended_variant_id == one.variants["A"].id
    assert {kind for kind, computer in places if computer == "pi"} == THERE
    assert {kind for kind, computer in places if not computer} >= {"open", "data", "apply", "judge", "summarize"}
    here = [kind for kind, computer in places if not computer and kind in THERE]
    assert here == ["describe"]  # to know whether both processors have the same features


def test_goal_of_an_earlier_version_means_this_computer() -> None:
    """Given a stored goal without a computer, When it is read, Then the run belongs to this computer."""
    assert Goal("balanced", 1.0).computer == ""


def test_runs_on_two_computers_make_each_version_once(stage: Make, places: list[tuple[str, str]]) -> None:
    """Given a run on this computer, When the same goal runs on another one, Then no version is made again, each is
    predicted and measured there, and both runs are one table."""
    one = stage(Like(p50_ms=4), VERSIONS)
    here = one.go()
    del places[:]
    one.change(goal=dataclasses.replace(one.request.goal, computer="pi"))
    there = one.go()
    assert not [kind for kind, _computer in places if kind == "apply"]
    fleet = fleet_of_run(one.space.repositories, there)
    assert fleet is not None
    document = fleet_document(fleet)
    assert (document["computers"], document["runs"]) == (["", "pi"], [here.id, there.id])
    assert document["for_all"]["title"] == "A" and document["for_all"]["worst_speedup"] == pytest.approx(2.0)
    assert [row["on"]["pi"]["recommended"] for row in document["versions"]] == [False, True, False]
    one.change(goal=dataclasses.replace(one.request.goal, max_loss_pct=2.0))
    assert fleet_of_run(one.space.repositories, one.go()) is None  # another goal is another table


def test_run_tries_what_is_recommended_on_another_computer(stage: Make) -> None:
    """Given a computer for which the planner fitted the recipe in another way, When the same goal runs there, Then it also
    tries the version that this computer takes, which can then be the one for both."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    here, one.play.variants["A, as for this computer"] = one.go(), Like(p50_ms=2)
    (fitted,) = one.request.preset.recipes
    one.try_recipes(fitted.model_copy(update={"settings": {"fitted": "to pi"}}))
    one.change(goal=dataclasses.replace(one.request.goal, computer="pi"))
    there = one.go()
    tried = {variant.title: variant for variant in one.space.repositories.variants.list(there.id)}
    assert set(tried) == {"Original", "A", "A, as for this computer"}
    assert tried["A, as for this computer"].recipe.settings == fitted.settings
    fleet = fleet_of_run(one.space.repositories, there)
    assert fleet is not None and fleet.for_all is not None and fleet.for_all.title == "A, as for this computer"
    again = one.go()  # neither computer tries a version of its own again
    assert len(one.space.repositories.variants.list(again.id)) == 3 and here.id != again.id


@pytest.mark.parametrize("kind", ["describe", "plan", "answer", "measure"])
def test_lost_computer_ends_the_run_and_the_rest_is_done_when_it_is_back(
    stage: Make, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a computer that is lost at some job, When the run ends, Then it failed with that error, no version was
    dropped for it, and the resumed run recommends the version."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2), "B": Like(p50_ms=3)}, computer="pi")
    reply, lost = Play._reply, [True]

    def losing(play: Play, flow: flow_steps.Flow[Any], step: Any, name: str) -> Any:
        is_of_version = name == kind and (kind != "answer" or step.title == "A")
        if lost and is_of_version and step.computer:
            error = failure("computer_lost")
            return lambda: flow.throw(error)
        return reply(play, flow, step, name)

    monkeypatch.setattr(Play, "_reply", losing)
    with pytest.raises(flow_steps.JobError):
        one.go()
    run = newest(one)
    assert run.state is RunState.FAILED and '"computer_lost"' in (run.error_json or "")
    assert not [v for v in one.space.repositories.variants.list(run.id) if v.state == "dropped"]
    lost.clear()
    one.run_id = run.id
    assert one.again().recommended_variant_id == one.variants["A"].id


def newest(one: Stage) -> Any:
    return one.space.repositories.runs.list(project_id=one.project.id)[0]


@pytest.mark.parametrize("code", ["computer_in_use", "computer_lost"])
def test_computer_in_use_by_others_is_no_reason_to_drop_versions(stage: Make, code: str) -> None:
    """Given a measurement that the other computer refuses, When it fails for one version, Then the run ends with that
    error and all versions stay as they were."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2, fails_at="measure", code=code)}, computer="pi")
    with pytest.raises(flow_steps.JobError) as raised:
        one.go()
    assert raised.value.error.code == code and newest(one).state is RunState.FAILED
    assert {variant.state for variant in one.space.repositories.variants.list(newest(one).id)} == {
        "measured",
        "applied",
    }


def test_versions_for_a_processor_with_other_features_are_made_for_it(
    stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a computer without fast 8-bit sums, When a run is for it, Then only techniques in 8 bits get its number
    formats, which are part of the store's key."""
    one = stage(Like(p50_ms=4), VERSIONS, computer="pi")
    made: list[Any] = []
    describe, apply = Play._describe_job, Play._apply_job

    def described(play: Play, step: Any) -> Any:
        machine, folder = describe(play, step)
        fast = ("fp32",) if step.computer else ("fp32", "int8")
        rows = tuple(Instructions(name=name, title=name, arithmetic=name) for name in fast)
        traits = machine.runtimes[0].model_copy(update={"id": "graph_optimize", "traits": ("int8",)})
        return machine.model_copy(update={"instructions": rows, "techniques": (traits,)}), folder

    monkeypatch.setattr(Play, "_describe_job", described)
    monkeypatch.setattr(Play, "_apply_job", lambda play, step: (made.append(step.params), apply(play, step))[1])
    one.go()
    assert {params.fast for params in made} == {("fp32",)}
    assert "fast" in made[0].model_dump() and "fast" not in made[0].model_copy(update={"fast": None}).model_dump()


@dataclasses.dataclass
class LocalPool:
    """Stand-in for another computer: its jobs run in local processes, and are counted."""

    space: Workspace
    machine: str = "identity of pi"
    taken: int = 0

    def pool(self, name: str) -> "LocalPool":
        return self

    def processors(self) -> dict[str, str]:
        return {"pi": "Cortex-A76"}

    def take(self, torch: bool = False) -> JobClient:
        self.taken += 1
        return self.space.pool.take(torch)


def test_driver_takes_processes_of_the_other_computer_and_keys_its_results_by_it(space: Workspace) -> None:
    """Given steps that name a computer, When they run, Then each process comes from its pool, the key differs from that
    of this computer, and an unknown name is refused with exit code 6."""
    pool = LocalPool(space)
    there = dataclasses.replace(space, elsewhere=pool)
    step = flow_steps.JobStep("echo", Nothing(), DescribeResult, "Echo", cache=True)
    on_pi = dataclasses.replace(step, computer="pi")
    assert there.key_of(step) == space.key_of(step) != there.key_of(on_pi)
    job = there.new_job(dataclasses.replace(on_pi, threads=3), {})
    assert (job.threads, job.limits.idle_s, job.limits.card) == (3, None, None)
    with pytest.raises(flow_steps.JobError) as raised:
        space.key_of(on_pi)
    assert (raised.value.error.code, raised.value.exit_code) == ("computer_unknown", 6)
    driver = Driver(there, on_pi.run(), lambda event: None)
    while driver.tick():
        pass
    assert pool.taken == 1


def test_measurement_elsewhere_does_not_wait_for_this_computer(space: Workspace, tmp_path: Path) -> None:
    """Given a measurement on another computer, When it begins, Then it takes processes there at once, although this
    computer would have to become idle first."""
    there = dataclasses.replace(space, elsewhere=LocalPool(space))
    quiet = QuietBudget().part(60.0, None)
    step = flow_steps.MeasureStep((), "Measure", 1, IN_TURN, 1, quiet=quiet)
    assert Measurer(there, step).waits_for_quiet
    assert not Measurer(there, dataclasses.replace(step, computer="pi")).waits_for_quiet


def test_measurement_elsewhere_reports_that_it_waits_for_its_turn(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a computer on which somebody else measures, When its process reports that, Then the step shows it."""
    measurer = Measurer(
        dataclasses.replace(space, elsewhere=LocalPool(space)),
        flow_steps.MeasureStep((), "Measure", 1, IN_TURN, 1, computer="pi", step_index=7),
    )
    assert measurer._group is not None
    waits = Progress(stage="Waiting: anna measures on “pi”", stage_id="wait_for_computer", done=0)
    monkeypatch.setattr(measurer._group, "poll", lambda: [(0, waits)])
    seen: list[Any] = []
    measurer.poll(seen.append)
    assert [(event.index, event.stage, event.says_more) for event in seen] == [(7, waits.stage, True)]
