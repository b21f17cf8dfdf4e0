"""The words of a result: headline, card, figures, scores."""

import dataclasses
from typing import Any, get_args

import pytest
from records import judgement, variant

from app.domain.outcome import Ending, SearchEnd, outcome_of
from app.domain.variant import Variant
from app.domain.words.card import figures_words, note_words
from app.domain.words.outcome import headline
from app.domain.words.results import MEASURE_AGAIN, score_sentence, score_sentences, waiting_words
from workers.contracts.measured.card_figures import AtOnce, CardEnergy, CardFigures, CardNote, NoteCode, Spread
from workers.contracts.specs import Judgement, SliceDrop, TaskScore

MOST_WORDS = 12


def n_words(sentence: str) -> int:
    """Return the number of words; a percent sign belongs to its number."""
    return len(sentence.replace(" %", "%").split())


def disturbed(version: Variant, agreed_low: float) -> Variant:
    """Return the version as measured under load."""
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
    """Given a safe version, Then the headline has "same answers" only where no prediction changed, in at most twelve words."""
    best = variant(1, p50_ms=1.0, speedup=2.0, size_ratio=3.6, judgement=judgement(n=900, **changed))
    outcome = outcome_of([variant(0), best], "speed", SearchEnd())
    text = headline(outcome, "speed", 5.0)
    assert outcome.ending is Ending.PROVEN
    assert text == words and n_words(text) <= MOST_WORDS


def test_headline_under_load_holds_the_lower_bound_alone() -> None:
    """Given a safe version that other programs disturbed, Then the headline has the lower bound and no bracket: the
    caption advises to measure again. Where nothing is settled, the headline does."""
    best = variant(1, p50_ms=1.0, speedup=2.3, size_ratio=3.6, judgement=judgement(changed_count=0))
    text = headline(outcome_of([variant(0), disturbed(best, 1.905)], "speed", SearchEnd()), "speed", 5.0)
    assert text == "At least 1.9 times faster, 3.6 times smaller, same answers" and n_words(text) <= MOST_WORDS
    unsure = disturbed(best, 0.97)
    assert headline(outcome_of([variant(0), unsure], "speed", SearchEnd()), "speed", 5.0) == MEASURE_AGAIN
    assert n_words(MEASURE_AGAIN) <= MOST_WORDS


ONE = Spread(p50_ms=1.0, mean_ms=1.0)
PLAIN = CardFigures(
    card="RTX 9", n=9, latency=Spread(p50_ms=1.5, mean_ms=1.5), to_card=ONE, compute=ONE, to_host=ONE, enqueue=ONE
)
WORDS = {
    "launch_bound": "launch-bound): handing a request over takes 150 % of",
    "input_bound": "Copying inputs to the card takes 1.5 times as long",
    "output_bound": "Copying answers back from the card takes 1.5 times as long",
    "unstable": "vary by 150",
    "throttled": "throttled): it reached its power limit and heat.",
    "other_program": "Another program used up to",
}


@pytest.mark.parametrize("code", get_args(NoteCode))
def test_each_warning_has_words_of_its_own(code: NoteCode) -> None:
    """Given every code that there is, Then a sentence with its figure or reasons; two kinds of heat are named once."""
    reasons = ("power_cap", "software_thermal", "hardware_thermal") if code == "throttled" else ()
    value = 0.4 if code == "other_program" else None if code == "throttled" else 1.5
    text = note_words(CardNote(code=code, value=value, reasons=reasons))
    assert WORDS[code] in text and text.endswith(".")


def test_only_what_was_measured_is_said() -> None:
    assert figures_words(PLAIN) == "on RTX 9: 1.5 ms with copying, 1 ms computing alone"
    energy = CardEnergy(joules=30, seconds=3, requests=2000, source="counter")
    full = PLAIN.model_copy(update={"throughput_per_s": 666.7, "streams": 2, "energy": energy})
    assert figures_words(full).endswith("667 answers/s with 2 at once, 15 mJ an answer")
    rates = ((1, 400.0), (2, 660.0), (4, 665.0))
    tried = tuple(AtOnce(streams=streams, throughput_per_s=rate) for streams, rate in rates)
    report = figures_words(full.model_copy(update={"tried": tried}))
    assert "667 answers/s with 2 at once (400 with 1, 665 with 4), 15 mJ" in report


@pytest.mark.parametrize(
    ("share", "is_busy"), [(None, False), (0.025, False), (0.14, False), (0.15, True), (0.9, True)]
)
def test_waiting_for_quiet_names_only_a_load_that_counts(share: float | None, is_busy: bool) -> None:
    """Given a share of the processor that other programs use, Then it is named only where a measurement waits for it."""
    assert ("other programs use" in waiting_words(share)) is is_busy


def score(**more: Any) -> TaskScore:
    values = {
        "id": "top1",
        "task": "classification",
        "title": "Right answers",
        "meaning": "",
        "against": "labels",
        "n": 200,
    }
    return TaskScore(**{**values, "original": 0.914, "optimized": 0.91, "low": -0.01, "high": 0.002, **more})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (score(), "Right answers: 91.0 %, the original 91.4 % (change −1.0 to +0.2 points)."),
        (score(low=None, high=None), "Right answers: 91.0 %, the original 91.4 %."),
        (score(low=-1e-5, high=1e-5), "Right answers: 91.0 %, the original 91.4 % (change 0.0 to 0.0 points)."),
        (
            score(against="original", original=None, optimized=0.98, low=0.97, high=0.99),
            "Right answers: 98.0 %, by the original’s answers (97.0 % to 99.0 %).",
        ),
        (
            score(title="Mean error", unit="number", original=44.1, optimized=44.3, low=-0.1, high=0.52),
            "Mean error: 44.3, the original 44.1 (change −0.1 to +0.52).",
        ),
        (
            score(title="Noise", unit="dB", against="original", original=None, optimized=52.3, low=50.0, high=54.0),
            "Noise: 52.3 dB, by the original’s answers (50.0 dB to 54.0 dB).",
        ),
    ],
)
def test_sentences(given: TaskScore, words: str) -> None:
    """Given a score by labels or by the original's answers, Then its value, unit and interval are shown."""
    assert score_sentence(given) == words


def scored(**more: Any) -> Judgement:
    part = SliceDrop(name="dark pictures", n=40, drop=0.25, changed=12)
    values = {"verdict": "regressed", "n": 200, "labelled": True, "flips": 0.1, "margin": 0.01, "slices": (part,)}
    return Judgement(**{**values, "worst_slice": "dark pictures", "worst_slice_drop": 0.25, **more})


def test_the_weakest_part() -> None:
    """Given a part that lost most, Then it is named with its loss; a loss of nothing is not shown."""
    assert score_sentences(scored()) == ("Lost most: dark pictures, 25.0 % fewer of its 40 are right.",)
    assert score_sentences(scored(labelled=False)) == ("Changed most: dark pictures, 25.0 % of its 40 answers.",)
    assert score_sentences(scored(worst_slice_drop=0.0)) == ()
    assert score_sentences(None) == ()


def test_at_most_four_scores() -> None:
    """Given many scores, Then the first four are shown."""
    assert len(score_sentences(scored(scores=(score(),) * 6))) == 5
