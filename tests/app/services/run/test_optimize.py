"""Which way an optimization takes and how it ends; every job is played, the database is real."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
from flows import codes, refusal
from play import Like, failure
from staging import Make, recipes

from app.domain.run import Goal, Interruption, RunState
from app.domain.standing import Standing, standing_of
from app.domain.words.results import MEASURE_AGAIN, verdict_words
from app.services.flow.steps import FlowCancelled, JobError
from app.services.flow.workspace import Workspace
from app.services.projects.projects import new_run, project_for
from app.services.projects.running import RunRequest
from app.services.records.documents import run_document, variant_document


def test_the_fastest_safe_one_is_recommended(stage: Make) -> None:
    """Given a safe, a faster safe and an even faster regressed version, then the faster safe one is recommended."""
    one = stage(
        Like(p50_ms=4), {"A": Like(p50_ms=2), "B": Like(p50_ms=1, size_bytes=250), "C": Like(p50_ms=0.5, verdict="regressed")}
    )  # fmt: skip
    run = one.go()
    assert run.state is RunState.FINISHED
    assert run.recommended_variant_id == one.variants["B"].id
    assert run.headline == "4.0 times faster, 4.0 times smaller, same answers"
    assert one.variants["C"].measurement.speedup_low is None  # never in the final run
    assert one.variants["C"].notes[-1] == "Beyond your limit of 1 %"
    assert len(one.play.finals[0].variants) == 3
    assert set(one.states.values()) == {"done", "warning"}


def test_nothing_faster_keeps_the_original(stage: Make) -> None:
    """Given versions that are all slower or regressed, then nothing is recommended, and it says how many were tried."""
    one = stage(Like(p50_ms=1), {"A": Like(p50_ms=5), "B": Like(p50_ms=0.2, verdict="regressed")})
    run = one.go()
    assert run.state is RunState.KEPT_ORIGINAL
    assert run.recommended_variant_id is None
    assert run.headline == "Nothing faster was safe: keep the original (2 versions tried, limit 1 %)"
    assert one.states["Final run, side by side"] == "skipped"
    assert one.play.finals == []


def test_a_spoiled_first_look_is_looked_at_again(stage: Make) -> None:
    """Given a version that looked slower at first because the machine was busy, then the final run decides."""
    one = stage(Like(p50_ms=1), {"A": Like(p50_ms=1.3, final_p50_ms=0.5)})
    run = one.go()
    assert run.recommended_variant_id == one.variants["A"].id
    assert one.variants["A"].measurement.speedup == pytest.approx(2)


def test_the_final_run_may_disappoint(stage: Make) -> None:
    """Given a version that looked faster at first and is not beside the original, then the original is kept."""
    one = stage(Like(p50_ms=1), {"A": Like(p50_ms=0.5, final_p50_ms=1.2)})
    run = one.go()
    assert run.state is RunState.KEPT_ORIGINAL
    assert "Not faster on this computer" in one.variants["A"].notes or one.variants["A"].measurement.speedup_low < 1


def test_under_load_only_what_all_ways_agree_on_is_recommended(stage: Make) -> None:
    """Given a busy computer and a version that wall time calls twice as fast, When processor time does not agree, Then
    nothing is recommended: headline, notes and document say to measure again. When it agrees, it is recommended, and
    told to be measured under load."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    one.play.waited_share, one.play.agreed_low = 0.4, 0.98
    run = one.go()
    assert run.state is RunState.KEPT_ORIGINAL and run.recommended_variant_id is None
    assert run.headline == MEASURE_AGAIN
    assert "Measure again when the computer is idle" in one.variants["A"].notes
    document = run_document(run, list(one.variants.values()), one.outcome)
    assert (document["reason"], document["variants"][0]["under_load"]) == ("busy", True)
    one.play.waited_share, one.play.agreed_low = 0.5, 1.6
    one.ask = dataclasses.replace(one.ask, fresh=True)
    run = one.go()
    assert run.recommended_variant_id == one.variants["A"].id
    assert run.headline == "At least 1.6 times faster, same answers"
    assert run_document(run, list(one.variants.values()), one.outcome)["reason"] is None


def test_a_regressed_version_needs_no_quiet_computer(stage: Make) -> None:
    """Given a busy computer and only versions that are beyond the limit, Then that is the reason, not the load."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=1, verdict="regressed")})
    one.play.waited_share = 0.5
    run = one.go()
    assert run.headline.startswith("Nothing faster was safe")
    assert run_document(run, list(one.variants.values()), one.outcome)["reason"] is None


def test_under_load_a_version_that_only_processor_time_calls_faster_is_looked_at_again(stage: Make) -> None:
    """Given a first look whose wall time other programs spoiled, Then its processor time brings it into the final run."""
    one = stage(Like(p50_ms=1), {"A": Like(p50_ms=9, final_p50_ms=0.5)})
    one.play.waited_share, one.play.agreed_low, one.play.cpu_speedup = 0.8, 1.7, 2.0
    run = one.go()
    assert run.recommended_variant_id == one.variants["A"].id


def test_quiet_is_waited_for_before_the_original_and_before_the_final_run_alone(stage: Make) -> None:
    """Given a run without a limit, Then these two measurements may wait, out of one minute; with a limit, a tenth of it."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    one.go()
    first, final = one.play.looks["Measure Original"], one.play.finals[0]
    assert first.quiet is not None and final.quiet is not None
    assert first.quiet.budget is final.quiet.budget
    assert (first.quiet.most_s, final.quiet.most_s, one.play.looks["Measure A"].quiet) == (20.0, 60.0, None)
    short = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)}, time_budget_s=100)
    short.ask = dataclasses.replace(short.ask, fresh=True)
    short.go()
    assert short.play.finals[0].quiet is not None and 0 < short.play.finals[0].quiet.most_s <= 10


@pytest.mark.parametrize("where", ["apply", "answer", "measure", "final"])
def test_a_full_disk_ends_the_run_and_is_no_verdict(stage: Make, where: str) -> None:
    """Given a version whose job or measurement finds no room, then the run fails with that: nothing is said of the
    versions, and no time limit is blamed."""
    one = stage(
        Like(p50_ms=4), {"A": Like(p50_ms=1, fails_at=where, code="disk_full"), "B": Like(p50_ms=2)}, time_budget_s=600
    )
    failed = refusal(one.go)
    assert failed.error.code == "disk_full"
    run = one.stored
    assert run.state is RunState.FAILED
    assert '"disk_full"' in (run.error_json or "")
    if where in ("measure", "final"):
        assert failed.exit_code == 6


def test_the_original_on_a_full_disk_is_not_too_slow(stage: Make) -> None:
    """Given no room while the original is measured within a time limit, then the disk is told, and not the time."""
    one = stage(Like(p50_ms=0.1, fails_at="measure", code="disk_full"), {}, time_budget_s=600)
    assert codes(one.go) == ("disk_full", 6)


def test_alike_is_recommended_as_not_proven(stage: Make) -> None:
    """Given only a faster version that looks alike on too few examples, then it is recommended, with what is missing."""
    one = stage(Like(p50_ms=2), {"A": Like(p50_ms=1, verdict="not_enough_data", agreement=0.995)})
    run = one.go()
    assert run.recommended_variant_id == one.variants["A"].id
    assert run.headline == "2.0 times faster, and it looks alike, not proven: add about 200 examples"


@pytest.mark.parametrize(
    ("first", "tried"),
    [
        (Like(p50_ms=1), False),
        (Like(p50_ms=1, verdict="not_enough_data", agreement=1.0), False),
        (Like(p50_ms=1, verdict="not_enough_data", agreement=0.98), True),
        (Like(p50_ms=1, verdict="regressed"), True),
        (Like(fails_at="apply"), True),
    ],
)
def test_an_answer_to_a_failure_waits_for_it(stage: Make, first: Like, tried: bool) -> None:
    """Given a version that is only an answer to another one's failure, then it is tried where that one failed."""
    one = stage(Like(p50_ms=4), {"A": first, "B": Like(p50_ms=2)})
    a, b = one.ask.preset.recipes
    careful = b.model_copy(update={"only_if_failed": ("A", "never tried")})
    one.ask = dataclasses.replace(one.ask, preset=one.ask.preset.model_copy(update={"recipes": (a, careful)}))
    one.go()
    assert ("B" in one.variants) is tried
    assert (one.states["B"] == "skipped") is not tried


def test_a_version_that_was_given_another_name_is_still_the_one_that_is_meant(stage: Make) -> None:
    """Given an answer to the failure of “A”, When a person calls that one otherwise and it holds, Then none is needed."""
    one = stage(Like(p50_ms=4), {"My own": Like(p50_ms=1), "B": Like(p50_ms=2)})
    own, b = one.ask.preset.recipes
    recipes = (own.model_copy(update={"id": "A"}), b.model_copy(update={"only_if_failed": ("A",)}))
    one.ask = dataclasses.replace(one.ask, preset=one.ask.preset.model_copy(update={"recipes": recipes}))
    one.go()
    assert set(one.variants) == {"Original", "My own"}


@pytest.mark.parametrize(("first_ms", "tried"), [(1.0, True), (2.5, False), (5.0, False)])
def test_better_answers_are_looked_for_only_where_speed_is_promising(stage: Make, first_ms: float, tried: bool) -> None:
    """Given INT8 with wrong answers, then its careful form is tried only if INT8 beat the original and the best."""
    one = stage(
        Like(p50_ms=4), {"A": Like(p50_ms=2), "B": Like(p50_ms=first_ms, verdict="regressed"), "C": Like(p50_ms=1)}
    )
    a, b, c = one.ask.preset.recipes
    careful = c.model_copy(update={"only_if_failed": ("B",), "only_if_faster": ("B",)})
    one.ask = dataclasses.replace(one.ask, preset=one.ask.preset.model_copy(update={"recipes": (a, b, careful)}))
    one.go()
    assert ("C" in one.variants) is tried
    assert (one.states["C"] == "skipped") is not tried


@pytest.mark.parametrize("kind", ["apply", "answer", "judge", "measure"])
def test_a_version_that_fails_is_dropped_with_its_reason(stage: Make, kind: str) -> None:
    """Given a version of which one job fails, then it is dropped with the words, and the others go on."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=1, fails_at=kind), "B": Like(p50_ms=2)})
    run = one.go()
    assert run.recommended_variant_id == one.variants["B"].id
    assert one.variants["A"].state == "dropped"
    assert one.variants["A"].notes[0] == "No good. It is bad."
    assert one.states["A"] == "failed"


@pytest.mark.parametrize(
    ("kind", "code", "again"), [("apply", "no_good", False), ("answer", "no_good", True), ("apply", "killed", True)]
)
def test_what_could_not_be_made_is_not_made_again(stage: Make, kind: str, code: str, again: bool) -> None:
    """Given two versions of the same steps, when the first cannot be made, then the second is not tried and says why;
    where only its answers failed, or it was killed from outside, the second may do better."""
    one = stage(Like(p50_ms=4), {"A": Like(fails_at=kind, code=code), "A, on one core": Like(p50_ms=1)})
    same = one.ask.preset.recipes[0]
    recipes = (same, same.model_copy(update={"title": "A, on one core", "settings": {"threads": 1}}))
    one.ask = dataclasses.replace(one.ask, preset=one.ask.preset.model_copy(update={"recipes": recipes}))
    one.go()
    assert ("A, on one core" in one.variants) is again
    assert (one.states["A, on one core"] == "skipped") is not again


def test_one_that_fails_in_the_final_run_is_never_recommended(stage: Make) -> None:
    """Given the fastest version that crashes in the final run, then the next one is recommended."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=1, fails_at="final"), "B": Like(p50_ms=2)})
    run = one.go()
    assert run.recommended_variant_id == one.variants["B"].id
    assert one.variants["A"].state == "dropped"


def test_a_model_that_cannot_be_opened_fails_the_run(stage: Make) -> None:
    """Given a model that is refused, then the run has failed with the words, and its first step says so."""
    one = stage(Like(fails_at="open"), {"A": Like()})
    with pytest.raises(JobError):
        one.go()
    assert one.stored.state is RunState.FAILED
    assert one.stored.headline == "No good"
    assert "Bring another." in (one.stored.error_json or "")
    assert one.states == {
        "Check the model": "failed",
        "Read the examples": "skipped",
        "Measure the original": "skipped",
    }


def test_an_original_that_cannot_be_measured_fails_the_run(stage: Make) -> None:
    """Given an original that crashes while it is measured, then there is nothing to compare with, and that is told."""
    one = stage(Like(fails_at="measure"), {})
    with pytest.raises(JobError):
        one.go()
    assert one.stored.state is RunState.FAILED


def test_only_the_wanted_runtimes_are_tried(stage: Make) -> None:
    """Given a person who wants one runtime, then recipes of others are not tried; the original is measured as ever."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=1)}, runtimes=("onnxruntime-cpu",))
    run = one.go()
    assert run.state is RunState.KEPT_ORIGINAL
    assert list(one.variants) == ["Original"]


# -- time --


def test_when_time_is_short_the_best_so_far_counts(stage: Make) -> None:
    """Given time for two of five versions, then the rest is skipped, the final run is done in time, the best wins."""
    likes = {name: Like(p50_ms=1 + i / 10, seconds=10) for i, name in enumerate("ABCDE")}
    one = stage(Like(p50_ms=4, seconds=6), likes, time_budget_s=60)
    run = one.go()
    assert run.recommended_variant_id == one.variants["A"].id
    assert run.seconds is not None
    assert run.seconds <= 60
    assert "skipped" in one.states.values()
    assert one.states["Final run, side by side"] == "done"


def test_a_version_that_takes_too_long_is_cut_off(stage: Make) -> None:
    """Given a version that would take longer than the whole time, then it is stopped in time for the final run."""
    one = stage(Like(p50_ms=4, seconds=3), {"A": Like(p50_ms=2, seconds=3), "B": Like(p50_ms=1, seconds=500)}, time_budget_s=60)  # fmt: skip
    run = one.go()
    assert run.recommended_variant_id == one.variants["A"].id
    late = one.variants["B"]
    assert late.notes[0] == "It was not ready when the time was up."
    assert (late.state, late.untested, standing_of(late)) == ("dropped", "no_time", Standing.CUT_OFF)
    report = variant_document(late)
    assert (report["verdict"], report["tested"], report["untested"]) == ("unmeasured", False, "no_time")
    detail = {step.title: step.detail for step in one.space.repositories.runs.steps(one.run_id)}["B"]
    assert detail == verdict_words(late).lower(), "Optimize and Compare have the same words"
    assert run.seconds is not None
    assert run.seconds <= 60


def test_no_time_for_anything_keeps_the_original(stage: Make) -> None:
    """Given a model so slow that its own measurement takes all the time, then the original is kept, in words."""
    one = stage(Like(p50_ms=4, seconds=200), {"A": Like(p50_ms=1)}, time_budget_s=30)
    run = one.go()
    assert run.state is RunState.KEPT_ORIGINAL
    assert run.headline == "The time was up before anything could be tried: keep the original, or allow more time"
    assert one.variants["Original"].measurement.n == 0


def test_without_a_limit_everything_is_tried(stage: Make) -> None:
    """Given no time limit, then all versions are tried and six finalists measured in five sets."""
    likes = {name: Like(p50_ms=1 + i / 10, seconds=100) for i, name in enumerate("ABCDEFG")}
    one = stage(Like(p50_ms=4, seconds=100), likes)
    assert one.go().state is RunState.FINISHED
    final = one.play.finals[0]
    assert (len(final.variants), final.sets, final.blocks) == (7, 5, 2)
    assert final.until_s is None
    assert all(variant.measurement.n for variant in one.variants.values())


# -- broken off --


@pytest.mark.parametrize("kind", ["open", "data", "plan", "answer", "judge", "measure", "apply", "summarize"])
def test_cancelled_at_any_step(stage: Make, kind: str) -> None:
    """Given a cancel at any step, then the run is cancelled, no step is left running, and what was measured is kept."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=1)})
    one.play.cancel_at = kind
    with pytest.raises(FlowCancelled):
        one.go()
    assert one.stored.state is RunState.CANCELLED
    assert not {"running", "waiting"} & set(one.states.values())


def test_interrupted_and_gone_on_with(stage: Make) -> None:
    """Given a run that was interrupted at its second version, when it goes on, then the first is not done again."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2), "B": Like(p50_ms=1)})
    one.play.interrupt_at = "answer:B"
    one.go()
    assert one.stored.interruption is Interruption.CLOSED
    before = one.variants
    one.play.interrupt_at, one.play.seen = "", []
    run = one.again()
    assert run.state is RunState.FINISHED
    assert run.recommended_variant_id == one.variants["B"].id
    assert {v.id for v in before.values()} == {v.id for v in one.variants.values()}
    assert "apply:A" not in one.play.seen
    assert "measure:Measure A" not in one.play.seen
    assert "answer:B" in one.play.seen


def test_what_is_gone_from_the_store_is_done_again(stage: Make) -> None:
    """Given an interrupted run whose first version was removed from the store, then that is made again."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2), "B": Like(p50_ms=1)})
    one.play.interrupt_at = "answer:B"
    one.go()
    shutil.rmtree(one.space.artifacts.folder(str(one.variants["A"].artifact_key)))
    one.play.interrupt_at, one.play.seen = "", []
    assert one.again().state is RunState.FINISHED
    assert "apply:A" in one.play.seen


def test_a_resumed_run_tries_what_it_was_begun_with(stage: Make) -> None:
    """Given a preset that was changed meanwhile, when the run goes on, then it does what it was begun for."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    one.play.interrupt_at = "apply"
    one.go()
    changed = one.ask.preset.model_copy(update={"recipes": recipes("Z")})
    one.ask = RunRequest(one.project, one.ask.model, one.ask.data, changed, one.ask.goal)
    one.play.interrupt_at = ""
    one.again()
    assert set(one.variants) == {"Original", "A"}


def test_a_mistake_of_our_own_closes_the_run(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a mistake in the program, then the run has failed in words, with the traceback kept for the log."""

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a mistake")

    one = stage(Like(), {})
    monkeypatch.setattr("app.services.run.version_steps.new_variant", broken)
    with pytest.raises(ZeroDivisionError):
        one.go()
    assert one.stored.state is RunState.FAILED
    assert "ZeroDivisionError" in (one.stored.error_json or "")


def test_a_new_run_of_the_same_model_is_the_same_project(space: Workspace) -> None:
    """Given a model that was there before, then its runs are of one project, the sample's apart."""
    repositories = space.repositories
    first = project_for(repositories, Path("/models/m.onnx"))
    assert project_for(repositories, Path("/models/m.onnx")).id == first.id
    assert project_for(repositories, Path("/models/m.onnx"), is_sample=True).id != first.id
    assert new_run(repositories, first, Goal("balanced", 1.0)).state is RunState.QUEUED
    assert failure().exit_code == 3
