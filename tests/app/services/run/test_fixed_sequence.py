"""Which versions a run tests, in which order, at which level; every job is played, the database is real."""

import dataclasses
from pathlib import Path

import pytest
from play import Like
from staging import Make, Stage, recipes

from app.controllers.outcome import saved_subtitle
from app.domain.outcome import Ending
from app.domain.words.explain import why_it_won
from app.services.flow.events import RunProgress
from app.services.records.documents import variant_document
from app.services.run import search

ORIGINAL = Like(p50_ms=4)


def answered(one: Stage) -> list[str]:
    """Versions whose answers to the test examples were asked for after the final run."""
    seen = one.play.seen
    after = seen.index("measure:Final run, side by side")
    return [step.removeprefix("answer:") for step in seen[after:] if step.startswith("answer:")]


def untested(one: Stage, title: str) -> str:
    screening = one.variants[title].screening
    assert screening is not None
    return screening.untested


def test_the_order_is_of_calibration_and_the_first_that_is_not_safe_ends_it(stage: Make) -> None:
    """Given three gains, the more changed the faster, When the second is not safe, Then the third is not asked at all and
    has no verdict, and the first is recommended."""
    one = stage(
        ORIGINAL,
        {
            "Fastest": Like(p50_ms=1.0, agreement=0.99),
            "Middle": Like(p50_ms=1.5, agreement=0.995, verdict="not_enough_data"),
            "Careful": Like(p50_ms=2.0),
        },
    )
    run = one.go()
    assert answered(one) == ["Careful", "Middle"]
    assert run.recommended_variant_id == one.variants["Careful"].id
    assert one.variants["Fastest"].judgement is None and untested(one, "Fastest") == "behind"
    report = variant_document(one.variants["Fastest"])
    assert (report["verdict"], report["tested"], report["untested"]) == ("not_enough_data", False, "behind")
    assert "prove it alone" in one.variants["Fastest"].notes[-1]


def test_what_is_as_fast_as_a_failed_version_has_its_turn(stage: Make) -> None:
    """Given two gains as fast within 3 %, When the first tested is not safe, Then the other is tested at the level of
    one more look, and recommended."""
    broken = Like(p50_ms=2.0, verdict="not_enough_data", calibration="safe", agreement=0.9999)
    one = stage(ORIGINAL, {"Broken": broken, "Careful": Like(p50_ms=2.02, agreement=0.9999)})
    run = one.go()
    assert answered(one) == ["Broken", "Careful"]
    assert run.recommended_variant_id == one.variants["Careful"].id
    assert (one.play.earlier["Broken"], one.play.earlier["Careful"]) == (0, 1)


def test_what_is_as_fast_as_a_safe_version_is_not_tested(stage: Make) -> None:
    """Given two gains as fast within 3 %, When the first is safe, Then the other costs no look and says why."""
    one = stage(ORIGINAL, {"First": Like(p50_ms=2.0), "Second": Like(p50_ms=2.02)})
    run = one.go()
    assert answered(one) == ["First"] and untested(one, "Second") == "dominated"
    assert run.recommended_variant_id == one.variants["First"].id
    assert [look.number for look in one.space.repositories.looks.of_model("ab" * 32)] == [0]


def other_engine(one: Stage, title: str) -> None:
    """This version runs in ONNX Runtime, all others in OpenVINO."""
    plain = {"runtime": "onnxruntime-cpu", "settings": {"graph_optimization": "all"}}
    made = recipes(*one.play.variants)
    one.play.candidates = tuple(recipe.model_copy(update=plain) if recipe.title == title else recipe for recipe in made)


def test_the_best_version_of_another_engine_is_tested_last(stage: Make) -> None:
    """Given a safe version in OpenVINO and two slower ones in ONNX Runtime, which alone some targets take, When there is
    time, Then the better of both is tested after it, in the same look, and is safe, too."""
    one = stage(ORIGINAL, {"Best": Like(p50_ms=1.0), "Plain": Like(p50_ms=2.0, agreement=0.999)})
    other_engine(one, "Plain")
    run = one.go()
    assert answered(one) == ["Best", "Plain"] and run.recommended_variant_id == one.variants["Best"].id
    assert (one.play.earlier["Plain"], one.variants["Plain"].judgement.verdict) == (0, "safe")


def test_another_engine_is_not_tested_where_there_is_no_time(stage: Make) -> None:
    """Given the same and a limit that the answers of one version reach, Then the other costs nothing and says why."""
    one = stage(ORIGINAL, {"Best": Like(p50_ms=1.0), "Plain": Like(p50_ms=2.0, agreement=0.999)}, time_budget_s=80)
    other_engine(one, "Plain")
    one.play.item_s = 0.02
    one.go()
    assert "Plain" not in answered(one) and untested(one, "Plain") == "dominated"


def test_of_versions_as_fast_the_one_that_fits_more_targets_wins(stage: Make) -> None:
    """Given a version in OpenVINO and one in ONNX Runtime that takes 4 % longer, Then the second is recommended; where it
    takes 8 % longer, the first."""
    for p50_ms, best in ((1.04, "Plain"), (1.08, "Best")):
        one = stage(ORIGINAL, {"Best": Like(p50_ms=1.0), "Plain": Like(p50_ms=p50_ms, agreement=0.999)})
        one.ask = dataclasses.replace(one.ask, fresh=True)
        other_engine(one, "Plain")
        run = one.go()
        assert run.recommended_variant_id == one.variants[best].id
        why = " ".join(why_it_won(one.variants[best], list(one.variants.values())))
        assert ("fits fewer targets" in why) is (best == "Plain")


def test_too_few_examples_to_prove_look_at_what_is_as_fast_too(stage: Make) -> None:
    """Given 100 examples, of which 1 % cannot be proven, Then both of two gains as fast are looked at, and the one that
    is alike is recommended, not proven."""
    broken = Like(p50_ms=2.0, verdict="regressed", calibration="safe")
    one = stage(ORIGINAL, {"Broken": broken, "Careful": Like(p50_ms=2.02, verdict="not_enough_data")})
    one.play.n_test = 100
    run = one.go()
    assert answered(one) == ["Broken", "Careful"]
    assert run.recommended_variant_id == one.variants["Careful"].id and one.outcome.ending is Ending.ALIKE
    assert one.space.repositories.looks.of_model("ab" * 32) == []


def test_where_one_look_is_all_that_proves_the_rest_is_looked_at(stage: Make) -> None:
    """Given 400 examples, enough for a first look and too few for a second, When the first version fails, Then those
    behind it and beside it are looked at, none is safe, and one look is counted."""
    likes = {
        "Broken": Like(p50_ms=2.0, verdict="regressed", calibration="safe", agreement=0.9999),
        "Beside": Like(p50_ms=2.02, agreement=0.9999),
        "Behind": Like(p50_ms=1.0, agreement=0.995),
    }
    one = stage(ORIGINAL, likes)
    one.play.n_test = 400
    one.go()
    assert answered(one) == ["Broken", "Beside", "Behind"]
    verdicts = [v.judgement.verdict for v in one.variants.values() if v.judgement and not v.is_baseline]
    assert sorted(verdicts) == ["not_enough_data", "not_enough_data", "regressed"]
    assert [look.number for look in one.space.repositories.looks.of_model("ab" * 32)] == [0]


def test_what_is_refused_by_the_test_examples_is_safe_nowhere(stage: Make) -> None:
    """Given a version that calibration thinks well of and that has regressed on the test examples, Then it is told so,
    and nothing behind it is tested."""
    one = stage(
        ORIGINAL,
        {
            "Broken": Like(p50_ms=2.0, verdict="regressed", calibration="not_enough_data"),
            "Faster": Like(p50_ms=1.0, agreement=0.995),
        },
    )
    run = one.go()
    assert run.recommended_variant_id is None
    broken = one.variants["Broken"]
    assert broken.judgement is not None and broken.judgement.verdict == "regressed"
    assert untested(one, "Faster") == "behind"


def test_too_few_examples_to_prove_anything_end_no_sequence(stage: Make) -> None:
    """Given 100 examples, of which 1 % cannot be proven, Then all gains are looked at, none is called safe, and no look
    is counted."""
    one = stage(ORIGINAL, {"A": Like(p50_ms=2.0), "B": Like(p50_ms=1.0, agreement=0.995)})
    one.play.n_test = 100
    one.go()
    verdicts = {title: v.judgement.verdict for title, v in one.variants.items() if v.judgement and not v.is_baseline}
    assert verdicts == {"A": "not_enough_data", "B": "not_enough_data"}
    assert one.space.repositories.looks.of_model(one.project.model_sha256 or "ab" * 32) == []


def test_looks_are_remembered_across_runs(stage: Make) -> None:
    """Given a second run on the same examples, Then a version that was tested there is no new look, another one has to
    prove more; a run that goes on with what was safe does not."""
    one = stage(ORIGINAL, {"A": Like(p50_ms=2.0)})
    one.go()
    assert one.play.earlier["A"] == 0
    (look,) = one.space.repositories.looks.of_model("ab" * 32)
    assert (look.number, len(look.items), look.is_open) == (0, 1000, True)

    other = stage(ORIGINAL, {"A": Like(p50_ms=2.0), "B": Like(p50_ms=1.0, agreement=0.995)})
    other.ask = dataclasses.replace(other.ask, fresh=True)
    other.go()
    assert one.play.earlier["A"] == 0 and other.play.earlier["B"] == 1
    assert [look.number for look in one.space.repositories.looks.of_model("ab" * 32)] == [0, 1]


def test_the_winner_is_asked_all_examples(stage: Make) -> None:
    """Given an original that answers a few in the time of its own step, When there is time at the end, Then both answer
    all of them before the verdict."""
    one = stage(ORIGINAL, {"A": Like(p50_ms=2.0)}, time_budget_s=200)
    one.play.item_s = 0.03
    run = one.go()
    assert answered(one) == ["Original", "A"]
    judged = one.variants["A"].judgement
    assert judged is not None and judged.n_unasked == 0
    assert run.recommended_variant_id == one.variants["A"].id


def test_a_doubtful_one_does_not_take_the_only_place(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given room for one finalist, and the fastest changed 7 % of the calibration results at a limit of 1 %, Then what
    comes second is measured beside the original first, and recommended."""
    monkeypatch.setattr(search, "MOST_FINALISTS", 1)
    one = stage(
        ORIGINAL,
        {
            "Doubtful": Like(p50_ms=1.0, agreement=0.93, verdict="not_enough_data"),
            "Half": Like(p50_ms=2.0, agreement=0.995),
        },
    )
    run = one.go()
    assert run.recommended_variant_id == one.variants["Half"].id


def test_where_the_winner_fails_the_time_goes_to_the_next(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given room for one finalist that calibration thinks well of and that the test examples refuse, When there is time
    left, Then another one is measured beside the original, tested at the level of another look, and recommended."""
    monkeypatch.setattr(search, "MOST_FINALISTS", 1)
    broken = Like(p50_ms=1.0, verdict="regressed", calibration="not_enough_data")
    one = stage(ORIGINAL, {"Broken": broken, "Half": Like(p50_ms=2.0)}, time_budget_s=300)
    run = one.go()
    assert run.recommended_variant_id == one.variants["Half"].id
    assert (one.play.earlier["Broken"], one.play.earlier["Half"]) == (0, 1)
    assert one.states["Prove the answers"] == "done"


@pytest.mark.parametrize(("verdict", "recommended"), [("regressed", "Tidied"), ("safe", "Ahead")])
def test_what_looked_no_faster_has_its_turn_where_all_others_failed(
    stage: Make, verdict: str, recommended: str
) -> None:
    """Given a version far ahead and one that looks as fast as the original and is 1.3 times, When the first fails its
    test, Then the other is measured beside the original after all, and recommended; else it is not."""
    ahead = Like(p50_ms=1.0, verdict=verdict, calibration="not_enough_data")
    one = stage(ORIGINAL, {"Ahead": ahead, "Tidied": Like(p50_ms=3.95, final_p50_ms=3.0)}, time_budget_s=300)
    run = one.go()
    assert run.recommended_variant_id == one.variants[recommended].id
    assert one.variants["Tidied"].is_side_by_side == (verdict == "regressed")


def test_what_looked_no_faster_has_its_turn_where_who_was_ahead_is_not(stage: Make) -> None:
    """Given a version that looks four times as fast and is not faster at all beside the original, Then the one that was
    left out beside it is measured there, too, and recommended."""
    ahead = Like(p50_ms=1.0, final_p50_ms=4.0)
    one = stage(ORIGINAL, {"Ahead": ahead, "Tidied": Like(p50_ms=3.95, final_p50_ms=3.0)}, time_budget_s=300)
    assert one.go().recommended_variant_id == one.variants["Tidied"].id


def test_where_nothing_failed_what_looks_no_faster_gets_no_round(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given two versions that look as fast as the original and room for one, When that one is no faster and answers
    alike, Then the other costs no further round."""
    monkeypatch.setattr(search, "MOST_FINALISTS", 1)
    one = stage(ORIGINAL, {"A": Like(p50_ms=3.95), "B": Like(p50_ms=3.98)}, time_budget_s=300)
    assert one.go().recommended_variant_id is None
    assert [one.variants[title].is_side_by_side for title in "AB"] == [True, False]


def test_the_end_is_expected_from_the_original_on(stage: Make) -> None:
    """Given two versions, Then the run tells what its end will take once the original was measured and after each."""
    one = stage(ORIGINAL, {"A": Like(p50_ms=2.0), "B": Like(p50_ms=1.0)})
    one.go()
    ends = [e.steps_s[-2:] for e in one.events if isinstance(e, RunProgress) and e.steps_s]
    assert all(final_s > 0 and proof_s > 0 for final_s, proof_s in ends)
    assert max(final_s for final_s, _ in ends) > ends[0][0], "of two versions instead of one"


def test_who_was_not_asked_is_not_said_to_answer_alike(stage: Make) -> None:
    """Given one version that was only looked at, Then nothing is said of answers that nobody asked for."""
    one = stage(ORIGINAL, {"A": Like(p50_ms=2.0, agreement=0.999, final_p50_ms=3.97)})
    one.go()
    alone = dataclasses.replace(one.variants["A"], state="measured", judgement=None)
    outcome = dataclasses.replace(one.outcome, ending=Ending.UNSETTLED, best=None, open=(alone,))
    assert "alike" not in saved_subtitle(outcome, "144 test pictures", "pictures", 1.0)


@pytest.mark.parametrize(("n_test", "first"), [(15, "exact"), (400, "half")])
def test_with_few_examples_the_one_place_is_for_exact_numbers(stage: Make, n_test: int, first: str) -> None:
    """Given a faster version in 16 bits, one with the original's numbers, and time for one of them in the final run,
    Then with 15 examples, of which a single changed one puts the first out, it is the second."""
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
def test_few_examples_end_a_run_with_what_is_missing(stage: Make, n_test: int, ending: Ending) -> None:
    """Given a rounded version that alone is faster, When there are eight examples, Then the run ends with asking for more
    of them, and offers no more time."""
    likes = {"Rounded": Like(p50_ms=10, seconds=3, verdict="not_enough_data")}
    one = stage(Like(p50_ms=60, seconds=5), likes, time_budget_s=50)
    one.play.n_test = n_test
    (rounded,) = recipes(*likes)
    one.play.candidates = (rounded.model_copy(update={"settings": {"inference_precision": "i8"}}),)
    run = one.go()
    assert one.outcome.ending is ending, run.headline
    assert one.outcome.is_recommended is (n_test == 100) and not one.outcome.can_go_on
