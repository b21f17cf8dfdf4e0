"""Test what an optimization tries and how it ends; every job is played, the database is real."""

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
from app.services.flow.steps import FlowCancelled
from app.services.flow.workspace import Workspace
from app.services.projects.projects import new_run, project_for
from app.services.projects.running import RunRequest
from app.services.records.documents import run_document, variant_document
from app.services.run.costs import IN_TURN


def test_the_fastest_safe_one_is_recommended(stage: Make) -> None:
    """Given a safe, a faster safe and an even faster regressed version, Then the faster safe one is recommended."""
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
    """Given only slower or regressed versions, Then nothing is recommended, and the headline counts the tried ones."""
    one = stage(Like(p50_ms=1), {"A": Like(p50_ms=5), "B": Like(p50_ms=0.2, verdict="regressed")})
    run = one.go()
    assert run.state is RunState.KEPT_ORIGINAL
    assert run.recommended_variant_id is None
    assert run.headline == "Nothing faster was safe: keep the original (2 versions tried, limit 1 %)"
    assert one.states["Final run, side by side"] == "skipped"
    assert one.play.finals == []


def test_version_with_a_spoiled_first_measurement_is_measured_again(stage: Make) -> None:
    """Given a version that looked slower at first because the machine was busy, Then the final run decides."""
    one = stage(Like(p50_ms=1), {"A": Like(p50_ms=1.2, final_p50_ms=0.5)})
    assert one.go().recommended_variant_id == one.variants["A"].id
    assert one.variants["A"].measurement.speedup == pytest.approx(2)


def test_version_that_is_slower_in_the_final_run_is_not_recommended(stage: Make) -> None:
    """Given a version that looked faster at first and is slower in the final run, Then the original is kept."""
    one = stage(Like(p50_ms=1), {"A": Like(p50_ms=0.5, final_p50_ms=1.2)})
    assert one.go().state is RunState.KEPT_ORIGINAL
    assert (
        "Not faster where it was measured" in one.variants["A"].notes or one.variants["A"].measurement.speedup_low < 1
    )


def test_version_under_load_is_recommended_only_if_all_comparisons_agree(stage: Make) -> None:
    """Given a busy computer and a version that is twice as fast by wall time, When processor time does not agree, Then
    nothing is recommended and headline, notes and document advise to measure again; when it agrees, it is recommended
    with a lower bound."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    one.play.waited_share, one.play.agreed_low = 0.4, 0.98
    run = one.go()
    assert run.state is RunState.KEPT_ORIGINAL and run.recommended_variant_id is None
    assert run.headline == MEASURE_AGAIN
    assert "Measure again when the computer is idle" in one.variants["A"].notes
    document = run_document(run, list(one.variants.values()), one.outcome)
    assert (document["reason"], document["variants"][0]["under_load"]) == ("busy", True)
    one.play.waited_share, one.play.agreed_low = 0.5, 1.6
    one.change(fresh=True)
    run = one.go()
    assert run.recommended_variant_id == one.variants["A"].id
    assert run.headline == "At least 1.6 times faster, same answers"
    assert run_document(run, list(one.variants.values()), one.outcome)["reason"] is None


def test_regressed_version_under_load_is_refused_for_its_predictions(stage: Make) -> None:
    """Given a busy computer and only versions beyond the limit, Then that is the reason, not the load."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=1, verdict="regressed")})
    one.play.waited_share = 0.5
    run = one.go()
    assert run.headline.startswith("Nothing faster was safe")
    assert run_document(run, list(one.variants.values()), one.outcome)["reason"] is None


def test_version_faster_by_processor_time_alone_reaches_the_final_run(stage: Make) -> None:
    """Given a first measurement whose wall time other programs spoiled, Then its processor time brings it into the
    final run."""
    one = stage(Like(p50_ms=1), {"A": Like(p50_ms=9, final_p50_ms=0.5)})
    one.play.waited_share, one.play.agreed_low, one.play.cpu_speedup = 0.8, 1.7, 2.0
    assert one.go().recommended_variant_id == one.variants["A"].id


def test_only_original_and_final_run_wait_for_quiet(stage: Make) -> None:
    """Given a run without a limit, Then these two measurements may wait, for a minute in all; with a limit, for a tenth
    of it."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    one.go()
    first, final = one.play.looks["Measure Original"], one.play.finals[0]
    assert first.quiet.budget is final.quiet.budget
    assert (first.quiet.most_s, final.quiet.most_s, one.play.looks["Measure A"].quiet) == (20.0, 60.0, None)
    short = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)}, time_budget_s=100)
    short.change(fresh=True)
    short.go()
    assert short.play.finals[0].quiet is not None and 0 < short.play.finals[0].quiet.most_s <= 10


@pytest.mark.parametrize("where", ["apply", "answer", "measure", "final"])
def test_full_disk_fails_the_run_without_a_verdict(stage: Make, where: str) -> None:
    """Given a version whose job or measurement finds no room, Then the run fails for that reason, and no time limit is
    blamed."""
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
    """Given no room while the original is measured within a time limit, Then the error is the disk, not the time."""
    one = stage(Like(p50_ms=0.1, fails_at="measure", code="disk_full"), {}, time_budget_s=600)
    assert codes(one.go) == ("disk_full", 6)


def test_version_alike_on_too_few_examples_is_recommended_as_not_proven(stage: Make) -> None:
    """Given a single faster version that looks alike on too few examples, Then it is recommended, and the missing
    examples are named."""
    one = stage(Like(p50_ms=2), {"A": Like(p50_ms=1, verdict="not_enough_data", agreement=0.995)})
    run = one.go()
    assert run.recommended_variant_id == one.variants["A"].id
    assert run.headline == "2.0 times faster, and it looks alike, not proven: add about 200 examples"


SAFE, WORSE = Like(p50_ms=1), Like(p50_ms=1, verdict="regressed")
FAILED = Like(fails_at="apply")
DOUBTFUL = Like(p50_ms=1, verdict="regressed", calibration="not_enough_data", agreement=0.99)
REFUTED = Like(p50_ms=1, verdict="regressed", calibration="safe")
"""Versions that regress on the test set: the calibration set of one leaves it open, that of the other shows nothing."""


@pytest.mark.parametrize(
    ("first", "title", "condition", "is_tried"),
    [
        (SAFE, "A", {"only_if_failed": ("A", "never tried")}, False),
        (SAFE, "renamed", {"only_if_failed": ("A",)}, False),
        (Like(p50_ms=1, verdict="not_enough_data", agreement=1.0), "A", {"only_if_failed": ("A",)}, False),
        (Like(p50_ms=1, verdict="not_enough_data", agreement=0.98), "A", {"only_if_failed": ("A",)}, True),
        (WORSE, "A", {"only_if_failed": ("A",)}, True),
        (FAILED, "A", {"only_if_failed": ("A",)}, True),
        (WORSE, "A", {"only_if_failed": ("A",), "only_if_faster": ("A",)}, True),
        (
            Like(p50_ms=1, verdict="not_enough_data", agreement=0.9),
            "A",
            {"only_if_failed": ("A",), "only_if_faster": ("A",)},
            True,
        ),
        (DOUBTFUL, "A", {"only_if_failed": ("A",), "only_if_faster": ("A",)}, True),
        (REFUTED, "A", {"only_if_failed": ("A",), "only_if_faster": ("A",)}, True),
        (Like(p50_ms=2.5, verdict="regressed"), "A", {"only_if_failed": ("A",), "only_if_faster": ("A",)}, False),
        (Like(p50_ms=5.0, verdict="regressed"), "A", {"only_if_failed": ("A",), "only_if_faster": ("A",)}, False),
    ],
)
def test_conditional_recipe_runs_only_if_its_condition_holds(
    stage: Make, first: Like, title: str, condition: dict[str, Any], is_tried: bool
) -> None:
    """Given a recipe that replaces a failed version, found by its id, or one that must also have been the fastest, Then
    it is tried only if that holds."""
    one = stage(Like(p50_ms=4), {"Safe": Like(p50_ms=2), title: first, "Careful": Like(p50_ms=1)})
    safe, named, careful = one.request.preset.recipes
    one.try_recipes(safe, named.model_copy(update={"id": "A"}), careful.model_copy(update=condition))
    one.go()
    assert ("Careful" in one.variants) is is_tried
    assert (one.states["Careful"] == "skipped") is not is_tried


def test_replacement_of_a_refuted_version_is_proven_as_a_second_look(stage: Make) -> None:
    """Given a version that only the test set refutes, Then its replacement is tested at the level of another look."""
    one = stage(Like(p50_ms=4), {"A": REFUTED, "Careful": Like(p50_ms=2)})
    named, careful = one.request.preset.recipes
    one.try_recipes(named.model_copy(update={"id": "A"}), careful.model_copy(update={"only_if_failed": ("A",)}))
    assert one.go().recommended_variant_id == one.variants["Careful"].id
    assert (one.play.earlier["A"], one.play.earlier["Careful"]) == (0, 1)


@pytest.mark.parametrize("kind", ["apply", "answer", "judge", "measure"])
def test_failed_version_is_dropped_with_its_reason(stage: Make, kind: str) -> None:
    """Given a version of which one job fails, Then it is dropped with the reason, and the others are tried."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=1, fails_at=kind), "B": Like(p50_ms=2)})
    assert one.go().recommended_variant_id == one.variants["B"].id
    assert one.variants["A"].state == "dropped"
    assert one.variants["A"].notes[0] == "No good. It is bad."
    assert one.states["A"] == "failed"


@pytest.mark.parametrize(
    ("kind", "code", "again"), [("apply", "no_good", False), ("answer", "no_good", True), ("apply", "killed", True)]
)
def test_recipe_with_steps_that_failed_is_not_tried_again(stage: Make, kind: str, code: str, again: bool) -> None:
    """Given two versions of the same steps, When the first cannot be made, Then the second is skipped; if only its
    predictions failed, or it was killed, the second is tried."""
    one = stage(Like(p50_ms=4), {"A": Like(fails_at=kind, code=code), "A, on one core": Like(p50_ms=1)})
    same = one.request.preset.recipes[0]
    recipes = (same, same.model_copy(update={"title": "A, on one core", "settings": {"threads": 1}}))
    one.try_recipes(*recipes)
    one.go()
    assert ("A, on one core" in one.variants) is again
    assert (one.states["A, on one core"] == "skipped") is not again


def test_version_that_fails_in_the_final_run_is_dropped(stage: Make) -> None:
    """Given the fastest version crashes in the final run, Then the next one is recommended."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=1, fails_at="final"), "B": Like(p50_ms=2)})
    assert one.go().recommended_variant_id == one.variants["B"].id
    assert one.variants["A"].state == "dropped"


@pytest.mark.parametrize(("kind", "step"), [("open", "Check the model"), ("measure", "Measure the original")])
def test_original_that_fails_fails_the_run(stage: Make, kind: str, step: str) -> None:
    """Given a model that cannot be opened or measured, Then the run has failed with the reason, and so has its step."""
    one = stage(Like(fails_at=kind), {"A": Like()})
    assert refusal(one.go).error.code == "no_good"
    assert (one.stored.state, one.stored.headline) == (RunState.FAILED, "No good")
    assert "Bring another." in (one.stored.error_json or "")
    states = list(one.states.values())
    assert one.states[step] == "failed" and set(states[: states.index("failed")]) <= {"done"}
    assert set(states[states.index("failed") + 1 :]) == {"skipped"}


def test_only_requested_runtimes_are_tried(stage: Make) -> None:
    """Given a request for one runtime, Then recipes for others are not tried, and the original is measured as usual."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=1)}, runtimes=("onnxruntime-cpu",))
    assert one.go().state is RunState.KEPT_ORIGINAL
    assert list(one.variants) == ["Original"]


# -- time --


def test_run_with_little_time_recommends_the_best_so_far(stage: Make) -> None:
    """Given time for two of five versions, Then the rest is skipped, the final run is done in time, and the best one
    wins."""
    likes = {name: Like(p50_ms=1 + i / 10, seconds=10) for i, name in enumerate("ABCDE")}
    one = stage(Like(p50_ms=4, seconds=6), likes, time_budget_s=60)
    run = one.go()
    assert run.recommended_variant_id == one.variants["A"].id
    assert run.seconds <= 60
    assert "skipped" in one.states.values()
    assert one.states["Final run, side by side"] == "done"


def test_version_that_takes_too_long_is_cut_off(stage: Make) -> None:
    """Given a version that would take longer than the limit, Then it is stopped in time for the final run."""
    one = stage(Like(p50_ms=4, seconds=3), {"A": Like(p50_ms=2, seconds=3), "B": Like(p50_ms=1, seconds=500)}, time_budget_s=60)  # fmt: skip
    run = one.go()
    assert run.recommended_variant_id == one.variants["A"].id
    late = one.variants["B"]
    assert late.notes[0] == "It was not ready when the time was up."
    assert (late.state, late.untested, standing_of(late)) == ("dropped", "no_time", Standing.CUT_OFF)
    report = variant_document(late)
    assert (report["verdict"], report["tested"], report["untested"]) == ("unmeasured", False, "no_time")
    detail = {step.title: step.detail for step in one.space.repositories.runs.steps(one.run_id)}["B"]
    assert detail == verdict_words(late), "Optimize and Compare have the same words"
    assert run.seconds <= 60


def test_run_without_time_for_anything_keeps_the_original(stage: Make) -> None:
    """Given a model whose own measurement takes all the time, Then the original is kept, and the headline names
    that."""
    one = stage(Like(p50_ms=4, seconds=200), {"A": Like(p50_ms=1)}, time_budget_s=30)
    run = one.go()
    assert run.state is RunState.KEPT_ORIGINAL
    assert run.headline == "The time was up before anything could be tried: keep the original, or allow more time"
    assert one.variants["Original"].measurement.n == 0


def test_run_without_a_limit_tries_everything(stage: Make) -> None:
    """Given no time limit, Then all versions are tried, and six are measured in five sets of the final run."""
    likes = {name: Like(p50_ms=1 + i / 10, seconds=100) for i, name in enumerate("ABCDEFG")}
    one = stage(Like(p50_ms=4, seconds=100), likes)
    assert one.go().state is RunState.FINISHED
    final = one.play.finals[0]
    assert (len(final.variants), final.sets, final.pace) == (7, 5, IN_TURN)
    assert final.until_s is None
    assert all(variant.measurement.n for variant in one.variants.values())


# -- broken off --


@pytest.mark.parametrize("kind", ["open", "data", "plan", "answer", "judge", "measure", "apply", "summarize"])
def test_run_cancelled_at_any_step_closes_its_steps(stage: Make, kind: str) -> None:
    """Given a cancel at any step, Then the run is cancelled, no step is left running, and measurements are kept."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=1)})
    one.play.cancel_at = kind
    with pytest.raises(FlowCancelled):
        one.go()
    assert one.stored.state is RunState.CANCELLED
    assert not {"running", "waiting"} & set(one.states.values())


def test_resumed_run_does_not_repeat_finished_versions(stage: Make) -> None:
    """Given a run that was interrupted at its second version, When it is resumed, Then the first is not repeated."""
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


def test_resumed_run_remakes_a_version_that_is_gone_from_the_store(stage: Make) -> None:
    """Given an interrupted run whose first version was removed from the store, Then it is made again."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2), "B": Like(p50_ms=1)})
    one.play.interrupt_at = "answer:B"
    one.go()
    shutil.rmtree(one.space.artifacts.folder(str(one.variants["A"].artifact_key)))
    one.play.interrupt_at, one.play.seen = "", []
    assert one.again().state is RunState.FINISHED
    assert "apply:A" in one.play.seen


def test_resumed_run_keeps_its_original_recipes(stage: Make) -> None:
    """Given a preset that was changed meanwhile, When the run is resumed, Then it tries its original recipes."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    one.play.interrupt_at = "apply"
    one.go()
    changed = one.request.preset.model_copy(update={"recipes": recipes("Z")})
    one.request = RunRequest(one.project, one.request.model, one.request.data, changed, one.request.goal)
    one.play.interrupt_at = ""
    one.again()
    assert set(one.variants) == {"Original", "A"}


def test_bug_fails_the_run_with_its_traceback(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a bug in the program, Then the run has failed, and the traceback is kept for the log."""

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a mistake")

    one = stage(Like(), {})
    monkeypatch.setattr("app.services.run.version_steps.new_variant", broken)
    with pytest.raises(ZeroDivisionError):
        one.go()
    assert one.stored.state is RunState.FAILED
    assert "ZeroDivisionError" in (one.stored.error_json or "")


def test_project_for_returns_the_project_of_a_known_model(space: Workspace) -> None:
    """Given a model that was opened before, Then its project is returned; the sample has a separate one."""
    repositories = space.repositories
    first = project_for(repositories, Path("/models/m.onnx"))
    assert project_for(repositories, Path("/models/m.onnx")).id == first.id
    assert project_for(repositories, Path("/models/m.onnx"), is_sample=True).id != first.id
    assert new_run(repositories, first, Goal("balanced", 1.0)).state is RunState.QUEUED
    assert failure().exit_code == 3
