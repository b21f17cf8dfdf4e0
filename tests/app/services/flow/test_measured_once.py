"""Test that nothing is measured twice: across runs, across projects, and after an interruption; every job is played."""

import dataclasses
from datetime import timedelta

import pytest
from play import Like
from staging import Make, Stage, recipes

from app.domain.run import RunState
from app.services.flow import measuring
from app.services.flow.measuring import SavedMeasurements
from app.services.projects.projects import project_for
from app.services.records.run_records import as_begun
from app.services.run.clock import QUICK_BLOCKS, SLOW_REQUEST_MS
from app.services.run.costs import first_pace
from app.services.run.optimize import SLOW_SHARE
from presets.loader import load_presets
from workers.contracts.specs import DeviceFacts

LIKES = {"A": Like(p50_ms=2), "B": Like(p50_ms=1, seconds=3), "C": Like(p50_ms=1.01, agreement=0.999)}


def repeat(one: Stage) -> list[str]:
    """Run once more; return the measurements that were made."""
    one.play.seen, one.play.clock = [], 0.0
    one.go()
    return measured_steps(one.play.seen)


def measured_steps(steps: list[str]) -> list[str]:
    return [step for step in steps if step.startswith("measure:")]


def result_of(one: Stage) -> dict[str, object]:
    """Return the result of a run: the recommendation and each version's model and figures, without ids and dates."""
    run, variants = one.stored, one.variants
    best = next((v.title for v in variants.values() if v.id == run.recommended_variant_id), None)
    rows = {
        title: (
            v.state,
            v.artifact_key,
            dataclasses.replace(v.measurement, taken_at=None),
            v.judgement.verdict if v.judgement else None,
        )
        for title, v in variants.items()
    }
    return {"state": run.state, "headline": run.headline, "best": best, "versions": rows}


@pytest.fixture
def one(stage: Make) -> Stage:
    """Return a finished run that measured the original, three versions, and the final run; its steps are forgotten."""
    one = stage(Like(p50_ms=4), LIKES)
    one.go()
    assert len(measured_steps(one.play.seen)) == 5
    assert not [note for v in one.variants.values() for note in v.notes if "Measured on" in note]
    one.play.seen = []
    return one


def test_the_second_run_measures_nothing(one: Stage) -> None:
    """Given a finished run, When it is repeated, Then nothing is measured, and the figures have a note with their
    date."""
    first = result_of(one)
    assert repeat(one) == []
    assert result_of(one) == first
    for variant in one.variants.values():
        assert sum("Measured on " in note for note in variant.notes) == 1
    details = {step.title: step.detail for step in one.space.repositories.runs.steps(one.run_id)}
    assert "measured on 2" in details["Measure the original"]
    assert "measured on 2" in details["A"]
    assert "measured on 2" in details["Final run, side by side"]
    raw = list(one.space.repositories.latencies.of_run(one.run_id))
    assert {point.variant_id for point in raw} == {variant.id for variant in one.variants.values()}


def test_another_project_with_the_same_model_measures_nothing(one: Stage) -> None:
    """Given the same model and data in another project, Then its measurements come from the store."""
    other = project_for(one.space.repositories, one.space.paths.root / "copy.onnx")
    one.change(project=other)
    assert repeat(one) == []
    assert one.stored.project_id == other.id


def test_fresh_run_measures_everything_again(one: Stage) -> None:
    """Given a finished run, When a fresh one is requested, Then everything is measured, and later runs use that."""
    one.play.seen, one.play.variants = [], {**LIKES, "A": Like(p50_ms=0.5)}
    one.change(fresh=True)
    run = one.go()
    assert len(measured_steps(one.play.seen)) == 5
    assert run.recommended_variant_id == one.variants["A"].id
    one.play.seen = []
    one.change(fresh=False)
    assert repeat(one) == []
    assert one.variants["A"].measurement.latency_p50_ms == 0.5


@pytest.mark.parametrize("what", ["threads", "machine", "age", "protocol"])
def test_run_under_other_conditions_measures_again(one: Stage, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Given other threads, another machine, an old measurement or another protocol, Then everything is measured
    again."""
    if what == "threads":
        one.change(goal=dataclasses.replace(one.request.goal, threads=5))
    elif what == "machine":
        other = DeviceFacts(processor="another", cores=2, memory_bytes=1 << 30)
        monkeypatch.setattr("play.DEVICE", other)
    elif what == "age":
        monkeypatch.setattr("app.services.run.optimize.MAX_AGE", timedelta(0))
    else:
        monkeypatch.setattr(measuring, "PROTOCOL", measuring.PROTOCOL + 1)
    assert len(repeat(one)) == 5


def test_final_run_is_reused_only_as_a_whole(one: Stage) -> None:
    """Given a final run of other versions, Then first measurements come from the store and the final run is measured
    again."""
    one.play.seen, one.play.variants = [], {"A": LIKES["A"], "B": LIKES["B"]}
    preset = one.request.preset.model_copy(update={"recipes": one.request.preset.recipes[:2]})
    one.change(preset=preset)
    assert repeat(one) == ["measure:Final run, side by side"]
    assert not [note for note in one.variants["B"].notes if "Measured on" in note]


def test_version_is_compared_with_the_original_beside_it(stage: Make) -> None:
    """Given a computer that became half as fast since the first run, When another run has one more version, Then that
    one is compared with the original of the same moment, and an old one with the old original."""
    one = stage(Like(p50_ms=4), {"A": LIKES["A"]})
    one.go()
    one.play.original, one.play.variants = Like(p50_ms=8), {"A": LIKES["A"], "D": Like(p50_ms=7, verdict="regressed")}
    one.try_recipes(*recipes("A", "D"))
    assert [step for step in repeat(one) if "Final" not in step] == ["measure:Measure D"]
    assert [len(one.play.looks[f"Measure {name}"].variants) for name in ("Original", "A", "D")] == [1, 2, 2]
    speedups = {title: version.measurement.speedup for title, version in one.variants.items()}
    assert (speedups["A"], speedups["D"]) == pytest.approx((2, 8 / 7))
    assert repeat(one) == []


@pytest.mark.parametrize(("waited_share", "again"), [(0.5, 5), (0.01, 0)])
def test_measurements_under_load_are_not_reused_by_other_runs(stage: Make, waited_share: float, again: int) -> None:
    """Given figures that other programs disturbed, When another run is the same, Then everything is measured again;
    quiet figures are reused."""
    one = stage(Like(p50_ms=4), LIKES)
    one.play.waited_share, one.play.agreed_low = waited_share, 1.6
    one.go()
    assert len(repeat(one)) == again


def test_resumed_run_reuses_its_own_measurements_under_load(stage: Make) -> None:
    """Given a run that ended before its final run, When it is resumed, Then its own first measurements are reused,
    loaded or not."""
    one = stage(Like(p50_ms=4), LIKES)
    one.play.waited_share, one.play.agreed_low = 0.5, 1.6
    one.play.interrupt_at = "measure:Final run, side by side"
    one.go()
    one.play.interrupt_at, one.play.seen = "", []
    one.again()
    assert measured_steps(one.play.seen) == ["measure:Final run, side by side"]


def test_failed_measurements_are_not_kept(stage: Make) -> None:
    """Given a version that crashes while it is measured, Then the next run measures it again."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2, fails_at="measure")})
    one.go()
    assert repeat(one) == ["measure:Measure A"]


def test_repeated_run_with_little_time_has_the_same_result(stage: Make) -> None:
    """Given a run whose time ended before everything was tried, Then a repeated run decides alike, since the cache
    saves no time."""
    likes = {name: Like(p50_ms=1 + i / 10, seconds=10) for i, name in enumerate("ABCDE")}
    one = stage(Like(p50_ms=4, seconds=6), likes, time_budget_s=60)
    one.go()
    first, states = result_of(one), one.states
    assert "skipped" in states.values()
    one.play.seen, one.play.clock = [], 0.0
    one.go()
    assert (result_of(one), one.states) == (first, states)
    assert measured_steps(one.play.seen) == []


SOME_STEPS = (4, 9, 18)


@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=[] if n in SOME_STEPS else [pytest.mark.slow]) for n in range(23)]
)
def test_run_killed_at_any_step_has_the_same_result_when_resumed(
    stage: Make, tmp_path_factory: pytest.TempPathFactory, number: int
) -> None:
    """Given a program that ends at any step of a run, When it is resumed, Then the result is as if it had never
    ended."""
    one = stage(Like(p50_ms=4), LIKES)
    one.play.end_after = number
    one.go()
    assert one.stored.state is (RunState.INTERRUPTED if one.play.was_ended else RunState.FINISHED)
    broken_off = list(one.play.seen)
    one.play.end_after, one.play.seen = None, []
    one.play.clock = 0.0
    if one.play.was_ended:
        one.again()
    undisturbed = stage(Like(p50_ms=4), LIKES)
    undisturbed.play.root = tmp_path_factory.mktemp("undisturbed")
    undisturbed.play.artifacts = type(one.play.artifacts)(undisturbed.play.root / "store")
    undisturbed.space = dataclasses.replace(one.space, artifacts=undisturbed.play.artifacts)
    undisturbed.go()
    assert result_of(one) == result_of(undisturbed)
    done = broken_off[:-1] + one.play.seen if one.play.was_ended else broken_off
    assert sorted(measured_steps(done)) == sorted(set(measured_steps(done)))  # nothing was measured twice


def test_key_of_a_model_outside_of_the_store_is_none(stage: Make) -> None:
    """Given a model outside of the store, Then its measurement has no key."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    one.go()
    step = one.play.finals[0]
    kept = SavedMeasurements(one.space.artifacts, one.space.jobs)
    assert kept.key(step) is not None
    params = step.variants[0].params.model_copy(update={"model_dir": "/elsewhere/model"})
    elsewhere = dataclasses.replace(step.variants[0], params=params)
    assert kept.key(dataclasses.replace(step, variants=(elsewhere, *step.variants[1:]))) is None
    assert kept.key(dataclasses.replace(step, reuse=None)) is None


def test_regressed_version_is_measured_once(stage: Make) -> None:
    """Given a version with wrong predictions, Then its first measurement is the only one."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2), "Wrong": Like(p50_ms=1, verdict="regressed")})
    one.go()
    looks = one.play.looks
    assert looks["Measure Wrong"].pace == looks["Measure A"].pace == first_pace(2, QUICK_BLOCKS // 2)
    assert looks["Measure Original"].slow_over_ms == SLOW_REQUEST_MS
    assert looks["Measure A"].slow_over_ms == pytest.approx(4 * SLOW_SHARE)
    assert len(one.play.finals[0].variants) == 2


def test_tie_is_decided_by_fewer_changes(stage: Make) -> None:
    """Given a tie in time, Then the version that changes fewer predictions wins, whichever was tried first."""
    more, fewer = Like(p50_ms=1.0, agreement=0.996), Like(p50_ms=1.02, agreement=0.999)
    for likes in ({"More": more, "Fewer": fewer}, {"Fewer": fewer, "More": more}):
        one = stage(Like(p50_ms=4), likes)
        assert one.go().recommended_variant_id == one.variants["Fewer"].id


def test_resumed_fresh_run_measures_each_version_once(one: Stage) -> None:
    """Given a fresh run that is interrupted, When it is resumed, Then each version was measured once, in this run."""
    one.play.seen, one.play.interrupt_at = [], "measure:Measure B"
    one.change(fresh=True)
    one.go()
    before = measured_steps(one.play.seen)[:-1]  # the last one was not done
    one.play.seen, one.play.interrupt_at = [], ""
    one.request = dataclasses.replace(one.request, fresh=False)  # what a run was begun with is kept with it
    assert one.again().state is RunState.FINISHED
    assert before == ["measure:Measure Original", "measure:Measure A"]
    assert measured_steps(one.play.seen) == [
        "measure:Measure B",
        "measure:Measure C",
        "measure:Final run, side by side",
    ]
    assert not [note for v in one.variants.values() for note in v.notes if "Measured on" in note]


def test_as_begun_returns_the_recipes_and_limit_of_the_run(stage: Make) -> None:
    """Given a run with its own recipes, When it is requested once more, Then it has these and its own limit."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    one.go()
    requested = as_begun(one.stored, load_presets().get("fastest"))
    assert [recipe.title for recipe in requested.recipes] == ["A"]
    assert requested.max_loss_pct == one.stored.goal.max_loss_pct
