"""The sentence above a result: gains, what is known of the answers, and nothing that belongs into the caption."""

import dataclasses

import pytest
from desk import judgement, variant

from app.domain.outcome import Ending, SearchEnd, outcome_of
from app.domain.variant import Variant
from app.domain.words.outcome import headline
from app.domain.words.results import MEASURE_AGAIN

MOST_WORDS = 12


def n_words(sentence: str) -> int:
    """Return the number of words; a percent sign belongs to its number."""
    return len(sentence.replace(" %", "%").split())


def disturbed(version: Variant, agreed_low: float) -> Variant:
    """Return the version as it was measured beside other programs."""
    measured = dataclasses.replace(version.measurement, under_load=True, agreed_low=agreed_low)
    return dataclasses.replace(version, measurement=measured)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"changed_count": 0}, "2.0 times faster, 3.6 times smaller, same answers"),
        ({"changed_count": 17}, "2.0 times faster, 3.6 times smaller, within your limit of 5 %"),
        (
            {"changed_count": 0, "units": 900, "units_changed": 4},
            "2.0 times faster, 3.6 times smaller, within your limit of 5 %",
        ),
    ],
)
def test_headline_of_changed_predictions_names_the_limit(changed: dict[str, int], words: str) -> None:
    """Given a safe version, Then "same answers" is said only where no prediction changed, in at most twelve words."""
    best = variant(1, p50_ms=1.0, speedup=2.0, size_ratio=3.6, judgement=judgement(n=900, **changed))
    outcome = outcome_of([variant(0), best], "speed", SearchEnd())
    said = headline(outcome, "speed", 5.0)
    assert outcome.ending is Ending.PROVEN
    assert said == words and n_words(said) <= MOST_WORDS


def test_headline_under_load_holds_the_lower_bound_alone() -> None:
    """Given a safe version that other programs disturbed, Then the headline has the lower bound and no bracket: the
    caption says to measure again. Where nothing is settled, that is what the headline says."""
    best = variant(1, p50_ms=1.0, speedup=2.3, size_ratio=3.6, judgement=judgement(changed_count=0))
    said = headline(outcome_of([variant(0), disturbed(best, 1.905)], "speed", SearchEnd()), "speed", 5.0)
    assert said == "At least 1.9 times faster, 3.6 times smaller, same answers" and n_words(said) <= MOST_WORDS
    unsure = disturbed(best, 0.97)
    assert headline(outcome_of([variant(0), unsure], "speed", SearchEnd()), "speed", 5.0) == MEASURE_AGAIN
    assert n_words(MEASURE_AGAIN) <= MOST_WORDS
