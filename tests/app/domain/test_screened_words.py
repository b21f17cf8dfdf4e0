"""What the calibration examples showed, in a few words."""

import dataclasses

import pytest
from judged import variant

from app.domain.screening import Screening
from app.domain.words.results import screened_words


@pytest.mark.parametrize(
    ("screening", "words"),
    [
        (Screening(n=12, changed=12, regressed=True), "12 of 12 results changed in calibration"),
        (Screening(n=1, changed=1), "1 of 1 results changed in calibration"),
        (Screening(n=40), "no result changed in calibration"),
        (Screening(), ""),
    ],
)
def test_screened_words_count_the_examples(screening: Screening, words: str) -> None:
    """Given calibration examples, Then how many changed of how many is told, also of a version that is refused."""
    assert screened_words(dataclasses.replace(variant("a"), judgement=None, screening=screening)) == words
