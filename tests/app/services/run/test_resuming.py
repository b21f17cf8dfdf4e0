"""Test how a run uses its time, how it ends when that is too short, and how it is resumed; every job is played."""

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from play import Like
from staging import Make, Stage

from app.domain.job import ArtifactRecord, JobRecord
from app.domain.outcome import Ending
from app.domain.run import RunState
from app.services.flow.steps import FlowCancelled, StepResult
from app.services.run.final_run import bound

MANY = {name: Like(p50_ms=1 + i / 10, seconds=10) for i, name in enumerate("ABCDE")}
FINAL = "measure:Final run, side by side"


def measured(one: Stage) -> list[str]:
    return [step for step in one.play.seen if step.startswith("measure:")]


def test_resumed_run_tries_the_remaining_recipes(stage: Make) -> None:
    """Given a run that its time limit ended, When it is resumed, Then the rest is tried in the same run, nothing is
    repeated, and the granted seconds are recorded."""
    one = stage(Like(p50_ms=4, seconds=6), MANY, time_budget_s=60)
    one.go()
    end = one.outcome.end
    first = {title for title, variant in one.variants.items() if variant.state != "dropped"}
    assert end.untried and end.more_s and end.more_s > 10
    one.play.seen = []
    run = one.again(more_s=600.0)
    assert run.id == one.run_id and run.state is RunState.FINISHED
    again = one.outcome.end
    assert (again.untried, again.more_s, again.went_on_s) == (0, None, (600.0,))
    assert set(one.variants) > first and set(one.variants) == {"Original", *MANY}
    assert not [
        step for step in one.play.seen for title in first if step in (f"apply:{title}", f"measure:Measure {title}")
    ]
    assert FINAL not in one.play.seen  # what was not tried before looked no better than the winner


def test_resumed_run_measures_a_version_that_was_cut_off(stage: Make) -> None:
    """Given a version that the time limit cut off, When the run is resumed, Then it is made, measured side by side, and
    wins."""
    likes = {"A": Like(p50_ms=2, seconds=3), "B": Like(p50_ms=1, seconds=90)}
    one = stage(Like(p50_ms=4, seconds=3), likes, time_budget_s=60)
    assert one.go().recommended_variant_id == one.variants["A"].id
    assert one.again(more_s=900.0).recommended_variant_id == one.variants["B"].id
    assert one.variants["B"].is_side_by_side and one.variants["A"].is_side_by_side
    assert not [note for note in one.variants["B"].notes if "time was up" in note]


def test_final_run_with_an_undecided_bound_measures_further_sets(stage: Make) -> None:
    """Given a version 1.045 times faster whose first bound is below a real gain, Then further sets settle it."""
    one = stage(Like(p50_ms=1.045), {"A": Like(p50_ms=1.0)})
    assert one.go().recommended_variant_id == one.variants["A"].id
    assert len(one.play.finals) == 2 and one.variants["A"].measurement.sets == 10
    assert one.variants["A"].measurement.speedup_low > 1.03


def test_environment_bounds_rounds_and_sets(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a bound of one round and four sets, Then the same version stays undecided, and its new rounds count anew
    when the run is resumed."""
    monkeypatch.setenv("FETTLE_MOST_ROUNDS", "1")
    monkeypatch.setenv("FETTLE_MOST_SETS", "4")
    one = stage(Like(p50_ms=1.045), {"A": Like(p50_ms=1.0)})
    assert one.go().recommended_variant_id is None
    assert len(one.play.finals) == 1 and one.outcome.ending is Ending.UNSETTLED
    assert one.variants["A"].measurement.sets == 4
    assert one.again(more_s=600.0).recommended_variant_id == one.variants["A"].id


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many"])
def test_bound_that_is_no_whole_number_is_refused(text: str) -> None:
    """Given no whole number from 1, Then the error names the variable; an empty value means no bound."""
    with pytest.raises(ValueError, match="FETTLE_MOST_ROUNDS"):
        bound("FETTLE_MOST_ROUNDS", {"FETTLE_MOST_ROUNDS": text})
    assert bound("FETTLE_MOST_SETS", {}) is None and bound("FETTLE_MOST_SETS", {"FETTLE_MOST_SETS": "2"}) == 2


@pytest.mark.parametrize(("original_ms", "sets"), [(1.01, 5), (1.035, 10)])
def test_version_below_a_real_gain_is_not_recommended(stage: Make, original_ms: float, sets: int) -> None:
    """Given a version 1.01 times faster, and one that more sets do not settle, Then the original is kept."""
    one = stage(Like(p50_ms=original_ms), {"A": Like(p50_ms=1.0)})
    assert one.go().state is RunState.KEPT_ORIGINAL
    assert (one.variants["A"].measurement.sets, one.outcome.ending) == (sets, Ending.NOTHING_FASTER)


def test_run_without_time_for_the_final_run_offers_to_measure_longer(stage: Make) -> None:
    """Given a version that looked faster, and no time to measure it side by side, Then the headline names that; when
    resumed, it wins."""
    one = stage(Like(p50_ms=4, seconds=3), {"A": Like(p50_ms=2, seconds=5)}, time_budget_s=14)
    run = one.go()
    assert run.recommended_variant_id is None and one.outcome.ending is Ending.UNSETTLED
    assert "“A” looked faster at first" in run.headline and "measure longer" in run.headline
    assert "none" not in run.headline
    one.play.seen = []
    assert one.again(more_s=300.0).recommended_variant_id == one.variants["A"].id
    assert measured(one) == [FINAL]
    spare_s = one.outcome.end.spare_s
    assert spare_s is not None and 0 < spare_s < 300 - 5, "what was left of the time is kept, for the reason"


def test_run_without_time_for_the_proof_offers_to_prove(stage: Make) -> None:
    """Given a version that is certainly faster, and no time to test its predictions, Then the headline names that and
    nothing is called safe; when resumed, it is tested and wins."""
    one = stage(Like(p50_ms=4, seconds=3), {"A": Like(p50_ms=2, seconds=5)}, time_budget_s=19)
    run = one.go()
    assert run.recommended_variant_id is None and one.outcome.ending is Ending.UNTESTED
    assert run.headline == "“A” is 2.0 times faster, its answers are not tested: prove it"
    screening = one.variants["A"].screening
    assert one.variants["A"].judgement is None and screening is not None and screening.untested == "no_time"
    run = one.again(more_s=300.0)
    assert run.headline == "2.0 times faster, same answers"
    assert run.recommended_variant_id == one.variants["A"].id


def test_version_left_out_of_the_final_run_stays_undecided(stage: Make) -> None:
    """Given more versions that look fast than time to measure side by side, Then a version that was left out is not
    called slower, and more time settles it."""
    likes = {"A": Like(p50_ms=2, seconds=1), "B": Like(p50_ms=1.0, seconds=1, final_p50_ms=3.0), "C": Like(p50_ms=1.5, seconds=28)}  # fmt: skip
    one = stage(Like(p50_ms=4, seconds=10), likes, time_budget_s=66)
    one.go()
    one.again(more_s=900.0)
    assert one.stored.recommended_variant_id == one.variants["C"].id
    assert all(version.is_side_by_side for version in one.variants.values())


@pytest.mark.parametrize("broken_off", ["cancelled", "closed"])
def test_resumed_run_that_is_broken_off_keeps_its_result(stage: Make, broken_off: str) -> None:
    """Given a resumed run with a result, When it is cancelled or the program closes, Then the earlier result is
    restored, and it can be resumed again."""
    one = stage(Like(p50_ms=4, seconds=6), MANY, time_budget_s=60)
    result = one.go()
    versions, states = one.variants, one.states
    missing = next(name for name in MANY if name not in versions or not versions[name].measurement.n)
    if broken_off == "cancelled":
        one.play.cancel_at = f"measure:Measure {missing}"
        with pytest.raises(FlowCancelled):
            one.again(more_s=600.0)
    else:
        one.play.interrupt_at = f"measure:Measure {missing}"
        one.again(more_s=600.0)
    assert (one.stored, one.variants, one.states) == (result, versions, states)
    one.play.cancel_at = one.play.interrupt_at = ""
    one.again(more_s=600.0)
    assert one.variants[missing].measurement.n


FAST = {f"V{n}": Like(p50_ms=0.2 + n / 20, seconds=1.5) for n in range(12)}
SLOW = {f"V{n}": Like(p50_ms=1000 - 100 * n, seconds=6) for n in range(4)}
SLOWER = {f"V{n}": Like(p50_ms=1000 * 1.2, seconds=9) for n in range(4)}
LONG = {f"V{n}": Like(p50_ms=1 + n / 10, seconds=30) for n in range(3)}
WRONG = {f"V{n}": Like(p50_ms=1, seconds=12, verdict="regressed") for n in range(9)}
LOTS = {f"V{n}": Like(p50_ms=2 - n / 20, seconds=4) for n in range(24)}


@pytest.mark.parametrize("limit_s", [30.0, pytest.param(60.0, marks=pytest.mark.slow), 90.0])
@pytest.mark.parametrize(
    ("original", "likes"),
    [
        pytest.param(Like(p50_ms=0.5, seconds=1.5), FAST, id="fast"),
        pytest.param(Like(p50_ms=1000, seconds=6), SLOW, id="requests of a second"),
        pytest.param(Like(p50_ms=1000, seconds=9), SLOWER, id="slower ones"),
        pytest.param(Like(p50_ms=2, seconds=15), LONG, id="long to make"),
        pytest.param(Like(p50_ms=2, seconds=6), WRONG, id="wrong answers"),
        pytest.param(Like(p50_ms=2, seconds=4), LOTS, id="many recipes"),
    ],
)
def test_run_uses_its_time_and_ends_within_it(
    stage: Make, original: Like, likes: dict[str, Like], limit_s: float
) -> None:
    """Given models and machines of all kinds, Then a run ends within its time, leaves a third of it only if nothing is
    untried or undecided, and its headline is true."""
    one = stage(original, likes, time_budget_s=limit_s)
    run = one.go()
    end = one.outcome.end
    assert one.play.clock <= limit_s
    if end.more_s is not None:
        assert limit_s - one.play.clock <= limit_s / 3, (one.play.clock, one.states)
    looked = [v for v in one.variants.values() if v.measurement.n and not v.is_baseline]
    assert ("before anything could be tried" in run.headline) is (run.recommended_variant_id is None and not looked)


OPENING_S = 50.0
"""What opening the model takes on a busy computer."""


def opened_before(one: Stage, monkeypatch: pytest.MonkeyPatch, run_id: str | None = None) -> None:
    """Let the store return the opened model, which a page or the run `run_id` made."""
    usual, repositories = one.play._cached, one.space.repositories
    now = datetime(2026, 3, 4, tzinfo=UTC)
    repositories.jobs.add(JobRecord("j", "open", "Open the model", "finished", "cpu", now, run_id=run_id))
    repositories.artifacts.add(ArtifactRecord("opened", "open", "ab", 1, now, json.dumps({"job": "j"})))

    def opened(step: Any) -> Any:
        if getattr(step, "kind", "") != "open":
            return usual(step)
        result, folder = one.play._open_job(step)
        return StepResult(result, folder, "opened", True, OPENING_S)

    monkeypatch.setattr(one.play, "_cached", opened)


def test_opening_on_the_page_takes_no_time_of_the_run(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a model that the page Model opened in 50 s, When a run of 60 s finds it in the store, Then the run has all
    of its 60 s."""
    one = stage(Like(p50_ms=4, seconds=3), {"A": Like(p50_ms=2.0)}, time_budget_s=60)
    opened_before(one, monkeypatch)
    assert one.go().recommended_variant_id == one.variants["A"].id
    assert set(one.states.values()) == {"done"}


def test_repeated_run_counts_the_opening_of_the_first_one(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a run of 60 s that itself opened its model in 50 s, When the same run is repeated, Then it tries as much as
    the first one; a run with another limit has all of its time."""
    one = stage(Like(p50_ms=4, seconds=3), MANY, time_budget_s=60)
    usual = one.play._open_job

    def slow(step: Any) -> Any:
        one.play.clock += OPENING_S
        return usual(step)

    monkeypatch.setattr(one.play, "_open_job", slow)
    first, states = one.go(), one.states
    monkeypatch.setattr(one.play, "_open_job", usual)
    opened_before(one, monkeypatch, first.id)
    one.play.clock = 0.0
    again = one.go()
    assert "skipped" in states.values() and one.states == states and one.play.clock <= 60 - OPENING_S
    assert (again.headline, again.state) == (first.headline, first.state)
    one.change(goal=dataclasses.replace(one.request.goal, time_budget_s=61.0))
    one.play.clock = 0.0
    one.go()
    tried = [sum(state == "skipped" for state in of_run.values()) for of_run in (states, one.states)]
    assert tried[0] > tried[1] and one.play.clock <= 61
