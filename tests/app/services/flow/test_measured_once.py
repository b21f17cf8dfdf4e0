"""Nothing is measured twice: across runs, across projects, and when a run was broken off. Jobs are played."""

import dataclasses
from datetime import timedelta

import pytest
from play import Like, Play
from staging import Make, Stage, recipes

from app.domain.run import RunState
from app.services.flow import measuring
from app.services.flow.measuring import SavedMeasurements
from app.services.projects.projects import project_for
from app.services.records.run_records import as_begun
from app.services.run.clock import QUICK_BLOCKS, SLOW_REQUEST_MS
from app.services.run.optimize import SLOW_SHARE
from presets.loader import load_presets
from workers.contracts.specs import DeviceFacts

LIKES = {"A": Like(p50_ms=2), "B": Like(p50_ms=1, seconds=3), "C": Like(p50_ms=1.01, agreement=0.999)}


def measured_in(play: Play) -> list[str]:
    return measured_steps(play.seen)


def measured_steps(steps: list[str]) -> list[str]:
    return [step for step in steps if step.startswith("measure:")]


def found(one: Stage) -> dict[str, object]:
    """What a run says: the choice, each version's model and figures, without ids and dates."""
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
    """A finished run that measured the original, three versions, and the final run; its steps are forgotten."""
    one = stage(Like(p50_ms=4), LIKES)
    one.go()
    assert len(measured_in(one.play)) == 5
    assert not [note for v in one.variants.values() for note in v.notes if "Measured on" in note]
    one.play.seen = []
    return one


def test_the_second_run_measures_nothing(one: Stage) -> None:
    """Given a finished run, whose figures tell no date, when the same is asked again, then nothing is measured, and the
    figures tell their date."""
    first = found(one)
    one.go()
    assert measured_in(one.play) == []
    assert found(one) == first
    for variant in one.variants.values():
        assert sum("Measured on " in note for note in variant.notes) == 1
    details = {step.title: step.detail for step in one.space.repositories.runs.steps(one.run_id)}
    assert "measured on 2" in details["Measure the original"]
    assert "measured on 2" in details["A"]
    assert "measured on 2" in details["Final run, side by side"]
    raw = list(one.space.repositories.latencies.of_run(one.run_id))
    assert {point.variant_id for point in raw} == {variant.id for variant in one.variants.values()}


def test_another_project_with_the_same_model_measures_nothing(one: Stage) -> None:
    """Given the same model and data in another project, then its run is answered from the store as well."""
    other = project_for(one.space.repositories, one.space.paths.root / "copy.onnx")
    one.ask = dataclasses.replace(one.ask, project=other)
    one.go()
    assert measured_in(one.play) == []
    assert one.stored.project_id == other.id


def test_measure_again(one: Stage) -> None:
    """Given a finished run, when a person wants it measured again, then all of it is, and later runs get that."""
    one.play.seen, one.play.variants = [], {**LIKES, "A": Like(p50_ms=0.5)}
    one.ask = dataclasses.replace(one.ask, fresh=True)
    run = one.go()
    assert len(measured_in(one.play)) == 5
    assert run.recommended_variant_id == one.variants["A"].id
    one.play.seen = []
    one.ask = dataclasses.replace(one.ask, fresh=False)
    one.go()
    assert measured_in(one.play) == []
    assert one.variants["A"].measurement.latency_p50_ms == 0.5


@pytest.mark.parametrize("what", ["threads", "machine", "age", "protocol"])
def test_what_differs_is_measured(one: Stage, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Given other threads, another machine, an old measurement or another protocol, then all is measured anew."""
    if what == "threads":
        one.ask = dataclasses.replace(one.ask, goal=dataclasses.replace(one.ask.goal, threads=5))
    elif what == "machine":
        other = DeviceFacts(processor="another", cores=2, memory_bytes=1 << 30)
        monkeypatch.setattr("play.DEVICE", other)
    elif what == "age":
        monkeypatch.setattr("app.services.run.optimize.MAX_AGE", timedelta(0))
    else:
        monkeypatch.setattr(measuring, "PROTOCOL", measuring.PROTOCOL + 1)
    one.go()
    assert len(measured_in(one.play)) == 5


def test_a_final_run_counts_only_as_a_whole(one: Stage) -> None:
    """Given a final run of other finalists, then single looks come from the store and the final run is made anew."""
    one.play.seen, one.play.variants = [], {"A": LIKES["A"], "B": LIKES["B"]}
    preset = one.ask.preset.model_copy(update={"recipes": one.ask.preset.recipes[:2]})
    one.ask = dataclasses.replace(one.ask, preset=preset)
    one.go()
    assert measured_in(one.play) == ["measure:Final run, side by side"]
    assert not [note for note in one.variants["B"].notes if "Measured on" in note]


def test_first_looks_are_compared_with_an_original_of_the_same_run(stage: Make) -> None:
    """Given a computer that became half as fast since the first run, When another run has one version more, Then the new
    one is compared with an original that was measured beside it, and an old one with the old one."""
    one = stage(Like(p50_ms=4), {"A": LIKES["A"]})
    one.go()
    likes = {"A": LIKES["A"], "D": Like(p50_ms=7, verdict="regressed")}
    one.play.original, one.play.variants, one.play.seen = Like(p50_ms=8), likes, []
    one.ask = dataclasses.replace(one.ask, preset=one.ask.preset.model_copy(update={"recipes": recipes("A", "D")}))
    one.go()
    looks = [step for step in measured_in(one.play) if "Final" not in step]
    assert looks == ["measure:Measure D", "measure:Measure Original"]
    assert one.variants["D"].measurement.speedup == pytest.approx(8 / 7)
    one.play.seen = []
    one.go()
    assert "measure:Measure A" in one.play.seen  # measured with another original than the one that is kept now
    one.play.seen = []
    one.go()
    assert measured_in(one.play) == []


@pytest.mark.parametrize(("waited_share", "again"), [(0.5, 5), (0.01, 0)])
def test_what_was_measured_under_load_is_no_other_runs(stage: Make, waited_share: float, again: int) -> None:
    """Given figures that other programs disturbed, When another run asks for the same, Then all is measured anew; quiet
    ones stay."""
    one = stage(Like(p50_ms=4), LIKES)
    one.play.waited_share, one.play.agreed_low = waited_share, 1.6
    one.go()
    one.play.seen = []
    one.go()
    assert len(measured_in(one.play)) == again


def test_a_run_that_goes_on_takes_what_it_measured_under_load(stage: Make) -> None:
    """Given a run that was ended before its final run, When it goes on, Then its own first looks count, loaded or not."""
    one = stage(Like(p50_ms=4), LIKES)
    one.play.waited_share, one.play.agreed_low = 0.5, 1.6
    one.play.interrupt_at = "measure:Final run, side by side"
    one.go()
    one.play.interrupt_at, one.play.seen = "", []
    one.again()
    assert measured_in(one.play) == ["measure:Final run, side by side"]


def test_failed_measurements_are_not_kept(stage: Make) -> None:
    """Given a version that crashes while it is measured, then the next run tries it again."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2, fails_at="measure")})
    one.go()
    one.play.seen = []
    one.go()
    assert measured_in(one.play) == ["measure:Measure A"]


def test_short_of_time_the_second_run_finds_the_same(stage: Make) -> None:
    """Given a run whose time ended before all was tried, then the same again decides alike: the store saves no time."""
    likes = {name: Like(p50_ms=1 + i / 10, seconds=10) for i, name in enumerate("ABCDE")}
    one = stage(Like(p50_ms=4, seconds=6), likes, time_budget_s=60)
    one.go()
    first, states = found(one), one.states
    assert "skipped" in states.values()
    one.play.seen, one.play.clock = [], 0.0
    one.go()
    assert (found(one), one.states) == (first, states)
    assert measured_in(one.play) == []


SOME_STEPS = (4, 9, 18)


@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=[] if n in SOME_STEPS else [pytest.mark.slow]) for n in range(23)]
)
def test_killed_at_any_step_and_gone_on_with(
    stage: Make, tmp_path_factory: pytest.TempPathFactory, number: int
) -> None:
    """Given a program that ends at any step of a run, when it goes on, then all is as if it had never ended."""
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
    assert found(one) == found(undisturbed)
    done = broken_off[:-1] + one.play.seen if one.play.was_ended else broken_off
    assert sorted(measured_steps(done)) == sorted(set(measured_steps(done)))  # nothing was measured twice


def test_contents_decide_and_not_names(stage: Make) -> None:
    """Given a model outside of the store, then there is nothing by which its measurement could be found again."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    one.go()
    step = one.play.finals[0]
    kept = SavedMeasurements(one.space.artifacts, one.space.jobs)
    assert kept.key(step) is not None
    params = step.variants[0].params.model_copy(update={"model_dir": "/elsewhere/model"})
    elsewhere = dataclasses.replace(step.variants[0], params=params)
    assert kept.key(dataclasses.replace(step, variants=(elsewhere, *step.variants[1:]))) is None
    assert kept.key(dataclasses.replace(step, reuse=None)) is None


def test_what_the_calibration_examples_refuse_is_not_measured_again(stage: Make) -> None:
    """Given a version with wrong answers, then its first look is the only one; slow ones are cut by their own blocks."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2), "Wrong": Like(p50_ms=1, verdict="regressed")})
    one.go()
    looks = one.play.looks
    assert looks["Measure Wrong"].blocks == looks["Measure A"].blocks == QUICK_BLOCKS
    assert looks["Measure Original"].slow_over_ms == SLOW_REQUEST_MS
    assert looks["Measure A"].slow_over_ms == pytest.approx(4 * SLOW_SHARE)
    assert len(one.play.finals[0].variants) == 2


def test_the_same_seed_gives_the_same_choice(stage: Make) -> None:
    """Given a tie in time, then the one that changes fewer answers wins, whichever was tried first."""
    more, fewer = Like(p50_ms=1.0, agreement=0.996), Like(p50_ms=1.02, agreement=0.999)
    for likes in ({"More": more, "Fewer": fewer}, {"Fewer": fewer, "More": more}):
        one = stage(Like(p50_ms=4), likes)
        run = one.go()
        assert run.recommended_variant_id == one.variants["Fewer"].id


def test_a_fresh_run_that_was_broken_off_goes_on_fresh(one: Stage) -> None:
    """Given a run that measures all again and is broken off, when it goes on, then each was measured once, in this run."""
    one.play.seen, one.play.interrupt_at = [], "measure:Measure B"
    one.ask = dataclasses.replace(one.ask, fresh=True)
    one.go()
    before = measured_in(one.play)[:-1]  # the last one was not done
    one.play.seen, one.play.interrupt_at = [], ""
    one.ask = dataclasses.replace(one.ask, fresh=False)  # what a run was begun with is kept with it
    assert one.again().state is RunState.FINISHED
    assert before == ["measure:Measure Original", "measure:Measure A"]
    assert measured_in(one.play) == ["measure:Measure B", "measure:Measure C", "measure:Final run, side by side"]
    assert not [note for v in one.variants.values() for note in v.notes if "Measured on" in note]


def test_as_it_was_begun(stage: Make) -> None:
    """Given a run with recipes of its own, when it is asked for once more, then it is with these and its own limit."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    one.go()
    requested = as_begun(one.stored, load_presets().get("fastest"))
    assert [recipe.title for recipe in requested.recipes] == ["A"]
    assert requested.max_loss_pct == one.stored.goal.max_loss_pct
