"""Test what the proof at the end of a run reports."""

import pytest
from play import Like
from staging import Make

from app.services.after.run_data import answers_result
from app.services.run.proof_run import proven_words
from workers.contracts.specs import Judgement, Verdict


def judged(verdict: Verdict, n: int, n_unasked: int = 0) -> Judgement:
    return Judgement(verdict=verdict, n=n, labelled=False, margin=0.01, n_unasked=n_unasked)


@pytest.mark.parametrize(
    ("n", "n_unasked", "words"),
    [
        (138, 0, "1 of 2 safe on 138 examples"),
        (98, 0, "1 of 2 safe on 98 examples"),
        (98, 40, "1 of 2 safe on 98 of 138 examples"),
    ],
)
def test_proven_words_name_missing_examples_only_if_time_cut_them(n: int, n_unasked: int, words: str) -> None:
    """Given 138 examples of which 98 can prove anything, Then "98 of 138" appears only if the rest was not
    evaluated."""
    assert proven_words([judged("safe", n, n_unasked), judged("regressed", n)], 138) == words


def test_original_measured_after_the_proof_keeps_its_predictions(stage: Make) -> None:
    """Given an original whose first pass over 1,000 examples was cut off, and a leader that fails the proof, When the
    next version is measured in a further round, Then the original keeps its predictions for all examples."""
    likes = {"Leader": Like(p50_ms=1.0, verdict="regressed", calibration="safe"), "Next": Like(p50_ms=3.85)}
    one = stage(Like(p50_ms=4.0), likes, time_budget_s=600)
    one.play.item_s = 0.06
    one.go()
    assert [len(final.variants) for final in one.play.finals] == [3, 2], "one more round came after the proof"
    seen = [step for step in one.play.seen if step in ("answer:Original", "answer:Leader")]
    assert seen.count("answer:Original") >= 2, "the first pass was cut off"
    assert answers_result(one.space, one.variants["Original"].answers_key).n == 1000


def test_version_that_predicts_slower_than_it_speaks_is_judged_in_time(stage: Make) -> None:
    """Given a version four times as fast per request that predicts examples 3.3 times as slowly, When the time does not
    suffice for all examples, Then it predicts some and gets a verdict."""
    one = stage(Like(p50_ms=4.0), {"Rounded": Like(p50_ms=1.0, item_factor=3.3)}, time_budget_s=420)
    one.play.item_s = 0.12
    one.go()
    screening, judgement = one.variants["Rounded"].screening, one.variants["Rounded"].judgement
    assert screening.answer_speedup == pytest.approx(1 / 3.3)
    assert not screening.untested
    assert judgement.verdict == "safe"
    assert one.play.clock <= 420


def test_version_with_little_time_predicts_fewer_examples_than_the_original(stage: Make) -> None:
    """Given a version that predicts eight times as slowly as the original, When too little time is left, Then it
    predicts as many examples as fit and keeps their verdict."""
    one = stage(Like(p50_ms=4.0), {"Rounded": Like(p50_ms=1.0, item_factor=8.0)}, time_budget_s=120)
    one.play.item_s = 0.06
    one.go()
    screening, judgement = one.variants["Rounded"].screening, one.variants["Rounded"].judgement
    assert not screening.untested
    assert judgement is not None and one.play.clock <= 120
