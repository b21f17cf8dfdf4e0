"""Test which versions a run tests, in which order and at which level; every job is played, the database is real."""

import dataclasses
from pathlib import Path

import pytest
from play import Like
from staging import Make, Stage, recipes

from app.controllers.outcome import saved_subtitle
from app.domain.outcome import Ending
from app.domain.words.explain import why_it_won
from app.services.flow.events import RunProgress
from app.services.run import search
from workers.contracts.specs import Verdict

ORIGINAL = Like(p50_ms=4)


def predicted(one: Stage) -> list[str]:
    """Return the versions that predicted the test examples after the final run."""
    seen = one.play.seen
    after = seen.index("measure:Final run, side by side")
    return [step.removeprefix("answer:") for step in seen[after:] if step.startswith("answer:")]


def untested(one: Stage, title: str) -> str:
    screening = one.variants[title].screening
    return screening.untested


@pytest.mark.parametrize(("verdict", "best"), [("safe", "Fastest"), ("not_enough_data", "Careful")])
def test_version_behind_an_unsafe_one_is_tested_as_a_further_look(stage: Make, verdict: Verdict, best: str) -> None:
    """Given three gains, of which faster ones change more, When the second is not safe, Then the third is tested at the
    level of one more look, and recommended if it is safe; otherwise the first is."""
    likes = {
        "Fastest": Like(p50_ms=1.0, agreement=0.985, verdict=verdict),
        "Middle": Like(p50_ms=1.5, agreement=0.995, verdict="not_enough_data"),
        "Careful": Like(p50_ms=2.0),
    }
    one = stage(ORIGINAL, likes)
    run = one.go()
    assert predicted(one) == ["Careful", "Middle", "Fastest"]
    assert run.recommended_variant_id == one.variants[best].id
    assert one.play.earlier == {"Original": 0, "Careful": 0, "Middle": 0, "Fastest": 1}
    assert not any(version.untested for version in one.variants.values())


def test_what_is_as_fast_as_a_failed_version_has_its_turn(stage: Make) -> None:
    """Given two gains within 3 % of each other, When the first tested one is not safe, Then the other is tested at the
    level of one more look, and recommended."""
    broken = Like(p50_ms=2.0, verdict="not_enough_data", calibration="safe", agreement=0.9999)
    one = stage(ORIGINAL, {"Broken": broken, "Careful": Like(p50_ms=2.02, agreement=0.9999)})
    run = one.go()
    assert predicted(one) == ["Broken", "Careful"]
    assert run.recommended_variant_id == one.variants["Careful"].id
    assert (one.play.earlier["Broken"], one.play.earlier["Careful"]) == (0, 1)


def test_version_as_fast_as_a_safe_one_is_not_tested(stage: Make) -> None:
    """Given two gains within 3 % of each other, When the first is safe, Then the other costs no look and is marked as
    dominated."""
    one = stage(ORIGINAL, {"First": Like(p50_ms=2.0), "Second": Like(p50_ms=2.02)})
    run = one.go()
    assert predicted(one) == ["First"] and untested(one, "Second") == "dominated"
    assert run.recommended_variant_id == one.variants["First"].id
    assert [look.number for look in one.space.repositories.looks.of_model("ab" * 32)] == [0]


def other_engine(one: Stage, title: str) -> None:
    """Let this version run in ONNX Runtime and all others in OpenVINO."""
    plain = {"runtime": "onnxruntime-cpu", "settings": {"graph_optimization": "all"}}
    made = recipes(*one.play.variants)
    one.play.candidates = tuple(recipe.model_copy(update=plain) if recipe.title == title else recipe for recipe in made)


def test_the_best_version_of_another_engine_is_tested_last(stage: Make) -> None:
    """Given a safe version in OpenVINO and two slower ones in ONNX Runtime, which some targets require, When there is
    time, Then the better one of these is tested after it in the same look, and is safe, too."""
    one = stage(ORIGINAL, {"Best": Like(p50_ms=1.0), "Plain": Like(p50_ms=2.0, agreement=0.999)})
    other_engine(one, "Plain")
    run = one.go()
    assert predicted(one) == ["Best", "Plain"] and run.recommended_variant_id == one.variants["Best"].id
    assert (one.play.earlier["Plain"], one.variants["Plain"].judgement.verdict) == (0, "safe")


def test_version_of_another_engine_without_time_is_not_tested(stage: Make) -> None:
    """Given the same and a limit that suffices for one version's predictions, Then the other costs nothing and is
    marked as dominated."""
    one = stage(ORIGINAL, {"Best": Like(p50_ms=1.0), "Plain": Like(p50_ms=2.0, agreement=0.999)}, time_budget_s=80)
    other_engine(one, "Plain")
    one.play.item_s = 0.02
    one.go()
    assert "Plain" not in predicted(one) and untested(one, "Plain") == "dominated"


def test_of_versions_as_fast_the_one_that_fits_more_targets_wins(stage: Make) -> None:
    """Given a version in OpenVINO and one in ONNX Runtime that takes 4 % longer, Then the second is recommended; if it
    takes 8 % longer, the first."""
    for p50_ms, best in ((1.04, "Plain"), (1.08, "Best")):
        one = stage(ORIGINAL, {"Best": Like(p50_ms=1.0), "Plain": Like(p50_ms=p50_ms, agreement=0.999)})
        one.change(fresh=True)
        other_engine(one, "Plain")
        assert one.go().recommended_variant_id == one.variants[best].id
        why = " ".join(why_it_won(one.variants[best], list(one.variants.values())))
        assert ("fits fewer targets" in why) is (best == "Plain")


def test_too_few_examples_to_prove_look_at_what_is_as_fast_too(stage: Make) -> None:
    """Given 100 examples, too few to prove 1 %, Then both of two equally fast gains are judged, and the one with the
    same predictions is recommended as not proven."""
    broken = Like(p50_ms=2.0, verdict="regressed", calibration="safe")
    one = stage(ORIGINAL, {"Broken": broken, "Careful": Like(p50_ms=2.02, verdict="not_enough_data")})
    one.play.n_test = 100
    run = one.go()
    assert predicted(one) == ["Broken", "Careful"]
    assert run.recommended_variant_id == one.variants["Careful"].id and one.outcome.ending is Ending.ALIKE
    assert one.space.repositories.looks.of_model("ab" * 32) == []


def test_where_one_look_is_all_that_proves_the_rest_is_looked_at(stage: Make) -> None:
    """Given 400 examples, enough for a first look and too few for a second one, When the first version fails, Then all
    others are judged, none is safe, and one look is counted."""
    likes = {
        "Broken": Like(p50_ms=2.0, verdict="regressed", calibration="safe", agreement=0.9999),
        "Beside": Like(p50_ms=2.02, agreement=0.9999),
        "Behind": Like(p50_ms=1.0, agreement=0.995),
    }
    one = stage(ORIGINAL, likes)
    one.play.n_test = 400
    one.go()
    assert predicted(one) == ["Broken", "Beside", "Behind"]
    verdicts = [v.judgement.verdict for v in one.variants.values() if v.judgement and not v.is_baseline]
    assert sorted(verdicts) == ["not_enough_data", "not_enough_data", "regressed"]
    assert [look.number for look in one.space.repositories.looks.of_model("ab" * 32)] == [0]


def test_version_regressed_on_test_examples_ends_the_look(stage: Make) -> None:
    """Given a version that looked good on the calibration set and regressed on the test examples, Then it is marked as
    regressed, and the faster one after it is tested as a further look."""
    one = stage(
        ORIGINAL,
        {
            "Broken": Like(p50_ms=2.0, verdict="regressed", calibration="not_enough_data"),
            "Faster": Like(p50_ms=1.0, agreement=0.995),
        },
    )
    assert one.go().recommended_variant_id == one.variants["Faster"].id
    assert one.variants["Broken"].judgement.verdict == "regressed"
    assert (one.play.earlier["Broken"], one.play.earlier["Faster"]) == (0, 1)


def test_sequence_with_too_few_examples_judges_all_gains(stage: Make) -> None:
    """Given 100 examples, too few to prove 1 %, Then all gains are judged, none is called safe, and no look is
    counted."""
    one = stage(ORIGINAL, {"A": Like(p50_ms=2.0), "B": Like(p50_ms=1.0, agreement=0.995)})
    one.play.n_test = 100
    one.go()
    verdicts = {title: v.judgement.verdict for title, v in one.variants.items() if v.judgement and not v.is_baseline}
    assert verdicts == {"A": "not_enough_data", "B": "not_enough_data"}
    assert one.space.repositories.looks.of_model(one.project.model_sha256 or "ab" * 32) == []


def test_looks_count_across_runs(stage: Make) -> None:
    """Given a second run on the same examples, Then a version that was tested before costs no new look, and another one
    has to prove more."""
    one = stage(ORIGINAL, {"A": Like(p50_ms=2.0)})
    one.go()
    assert one.play.earlier["A"] == 0
    (look,) = one.space.repositories.looks.of_model("ab" * 32)
    assert (look.number, len(look.items), look.is_open) == (0, 1000, True)

    other = stage(ORIGINAL, {"A": Like(p50_ms=2.0), "B": Like(p50_ms=1.0, agreement=0.995)})
    other.change(fresh=True)
    other.go()
    assert one.play.earlier["A"] == 0 and other.play.earlier["B"] == 1
    assert [look.number for look in one.space.repositories.looks.of_model("ab" * 32)] == [0, 1]


def test_winner_predicts_all_examples_before_its_verdict(stage: Make) -> None:
    """Given an original that predicts a few examples in the time of its own step, When there is time at the end, Then
    both predict all of them before the verdict."""
    one = stage(ORIGINAL, {"A": Like(p50_ms=2.0)}, time_budget_s=200)
    one.play.item_s = 0.03
    run = one.go()
    assert predicted(one) == ["Original", "A"]
    assert one.variants["A"].judgement.n_unasked == 0
    assert run.recommended_variant_id == one.variants["A"].id


def test_doubtful_version_does_not_take_the_only_place_in_the_final_run(
    stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given one place in the final run, and a fastest version that changed 7 % of the calibration results at a limit of
    1 %, Then the second one takes the place and is recommended."""
    monkeypatch.setattr(search, "MOST_IN_FINAL", 1)
    one = stage(
        ORIGINAL,
        {
            "Doubtful": Like(p50_ms=1.0, agreement=0.93, verdict="not_enough_data"),
            "Half": Like(p50_ms=2.0, agreement=0.995),
        },
    )
    assert one.go().recommended_variant_id == one.variants["Half"].id


def test_doubtful_version_waits_for_the_others(stage: Make) -> None:
    """Given a busy computer on which nothing is shown to be faster, and a version that changed 7 % of the calibration
    results at a limit of 1 %, Then the first rounds measure the other one, and the doubtful one comes last."""
    doubtful = Like(p50_ms=1.0, agreement=0.93, verdict="not_enough_data")
    one = stage(ORIGINAL, {"Doubtful": doubtful, "Half": Like(p50_ms=2.0)}, time_budget_s=300)
    one.play.waited_share, one.play.agreed_low = 0.4, 0.98
    one.go()
    ids = {version.id: title for title, version in one.variants.items()}
    rounds = [{ids[measured.variant_id] for measured in step.variants[1:]} for step in one.play.finals]
    assert rounds[:2] == [{"Half"}, {"Half"}]
    assert "Doubtful" in rounds[-1]


def test_time_after_a_failed_winner_goes_to_the_next_version(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given one place in the final run for a version that the test examples refuse, When time is left, Then another one
    is measured side by side, tested at the level of another look, and recommended."""
    monkeypatch.setattr(search, "MOST_IN_FINAL", 1)
    broken = Like(p50_ms=1.0, verdict="regressed", calibration="not_enough_data")
    one = stage(ORIGINAL, {"Broken": broken, "Half": Like(p50_ms=2.0)}, time_budget_s=300)
    assert one.go().recommended_variant_id == one.variants["Half"].id
    assert (one.play.earlier["Broken"], one.play.earlier["Half"]) == (0, 1)
    assert one.states["Prove the answers"] == "done"


@pytest.mark.parametrize(("verdict", "recommended"), [("regressed", "Tidied"), ("safe", "Ahead")])
@pytest.mark.parametrize("looked_ms", [3.95, 4.5])
def test_version_that_looked_no_faster_is_measured_after_all_others_failed(
    stage: Make, looked_ms: float, verdict: str, recommended: str
) -> None:
    """Given a version far ahead and one that looks as fast as the original or little slower and is 1.3 times faster,
    When the first fails its test, Then the other is measured side by side and recommended; otherwise it is not
    measured."""
    ahead = Like(p50_ms=1.0, verdict=verdict, calibration="not_enough_data")
    one = stage(ORIGINAL, {"Ahead": ahead, "Tidied": Like(p50_ms=looked_ms, final_p50_ms=3.0)}, time_budget_s=300)
    assert one.go().recommended_variant_id == one.variants[recommended].id
    assert one.variants["Tidied"].is_side_by_side == (verdict == "regressed")


def test_version_that_looked_no_faster_is_measured_if_the_leader_disappoints(stage: Make) -> None:
    """Given a version that looks four times as fast and is not faster in the final run, Then the version that was left
    out is measured there, too, and recommended."""
    ahead = Like(p50_ms=1.0, final_p50_ms=4.0)
    one = stage(ORIGINAL, {"Ahead": ahead, "Tidied": Like(p50_ms=3.95, final_p50_ms=3.0)}, time_budget_s=300)
    assert one.go().recommended_variant_id == one.variants["Tidied"].id


def test_version_that_looked_no_faster_gets_no_further_round_without_a_failure(
    stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given two versions that look as fast as the original and one place, When the first is no faster and not refused,
    Then the other gets no further round."""
    monkeypatch.setattr(search, "MOST_IN_FINAL", 1)
    one = stage(ORIGINAL, {"A": Like(p50_ms=3.95), "B": Like(p50_ms=3.98)}, time_budget_s=300)
    assert one.go().recommended_variant_id is None
    assert [one.variants[title].is_side_by_side for title in "AB"] == [True, False]


def test_progress_expects_final_run_and_proof_after_the_original(stage: Make) -> None:
    """Given two versions, Then the run reports the expected time of its end once the original was measured, and after
    each version."""
    one = stage(ORIGINAL, {"A": Like(p50_ms=2.0), "B": Like(p50_ms=1.0)})
    one.go()
    ends = [e.steps_s[-2:] for e in one.events if isinstance(e, RunProgress) and e.steps_s]
    assert all(final_s > 0 and proof_s > 0 for final_s, proof_s in ends)
    assert max(final_s for final_s, _ in ends) > ends[0][0], "of two versions instead of one"


def test_subtitle_of_an_untested_version_claims_no_same_answers(stage: Make) -> None:
    """Given one version with a first measurement only, Then nothing is stated about its predictions."""
    one = stage(ORIGINAL, {"A": Like(p50_ms=2.0, agreement=0.999, final_p50_ms=3.97)})
    one.go()
    alone = dataclasses.replace(one.variants["A"], state="measured", judgement=None)
    outcome = dataclasses.replace(one.outcome, ending=Ending.UNSETTLED, best=None, open=(alone,))
    assert "alike" not in saved_subtitle(outcome, "144 test pictures", "pictures", 1.0)


@pytest.mark.parametrize(("n_test", "first"), [(15, "exact"), (400, "half")])
def test_final_run_with_few_examples_prefers_exact_numbers(stage: Make, n_test: int, first: str) -> None:
    """Given a faster version in 16 bits, one with the original's numbers, and time for one of them in the final run,
    Then with 15 examples, where a single change would refuse the first, the second is measured."""
    likes = {
        "half": Like(p50_ms=10, seconds=3, verdict="not_enough_data"),
        "exact": Like(p50_ms=20, seconds=3, verdict="not_enough_data"),
    }
    one = stage(Like(p50_ms=60, seconds=5), likes, time_budget_s=50)
    one.play.n_test = n_test
    half, exact = recipes(*likes)
    one.play.candidates = (half.model_copy(update={"settings": {"inference_precision": "bf16"}}), exact)
    one.go()
    assert [Path(v.params.model_dir).parent.name for v in one.play.finals[0].variants][1:] == [f"apply-{first}"]


@pytest.mark.parametrize(("n_test", "ending"), [(8, Ending.FEW_EXAMPLES), (100, Ending.ALIKE)])
def test_run_with_few_examples_ends_with_a_request_for_more(stage: Make, n_test: int, ending: Ending) -> None:
    """Given a single faster version, which is rounded, When there are eight examples, Then the run ends with a request
    for more of them and offers no more time."""
    likes = {"Rounded": Like(p50_ms=10, seconds=3, verdict="not_enough_data")}
    one = stage(Like(p50_ms=60, seconds=5), likes, time_budget_s=50)
    one.play.n_test = n_test
    (rounded,) = recipes(*likes)
    one.play.candidates = (rounded.model_copy(update={"settings": {"inference_precision": "i8"}}),)
    run = one.go()
    assert one.outcome.ending is ending, run.headline
    assert one.outcome.is_recommended is (n_test == 100) and not one.outcome.can_go_on
