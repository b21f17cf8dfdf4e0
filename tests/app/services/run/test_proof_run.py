"""What the proof at the end of a run says of itself."""

import pytest

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
def test_examples_are_missing_only_where_time_cut_them(n: int, n_unasked: int, words: str) -> None:
    """Given 138 examples of which 98 can prove anything, Then "98 of 138" is said only where the rest was not asked."""
    assert proven_words([judged("safe", n, n_unasked), judged("regressed", n)], 138) == words
