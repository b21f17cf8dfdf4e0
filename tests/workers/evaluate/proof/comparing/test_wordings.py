"""What a reader notices between two texts."""

from collections import Counter

import numpy as np
import pytest

from workers.evaluate.proof.comparing.chrf import chrf, chrf_counts, chrf_of
from workers.evaluate.proof.comparing.wordings import (
    character_distance,
    end_missing,
    form_lost,
    meaning_changed,
    word_distance,
    words_missing,
    words_of,
)

PAIRS = [
    ("the cat sat on the mat", "the cat is on the mat"),
    ("Ein Satz mit Zahlen: 12 und 14.", "Ein Satz mit Zahlen: 12 und 15."),
    ("short", "an other text altogether"),
    ("ab", "abc"),
]


@pytest.mark.parametrize(("text", "truth"), PAIRS)
def test_chrf_is_sacrebleus(text: str, truth: str) -> None:
    """Given texts, Then chrF is sacrebleu's to six digits, also of all texts together."""
    from sacrebleu.metrics import CHRF

    assert float(chrf([text], [truth])[0]) == pytest.approx(CHRF().sentence_score(text, [truth]).score, abs=1e-4)
    counts = chrf_counts([a for a, _ in PAIRS], [b for _, b in PAIRS]).sum(axis=0)
    whole = CHRF().corpus_score([a for a, _ in PAIRS], [[b for _, b in PAIRS]])
    assert float(chrf_of(counts)) == pytest.approx(whole.score, abs=1e-4)


@pytest.mark.parametrize(
    ("old", "new", "other"),
    [
        ("He did not go.", "He did go.", True), ("He didn't go.", "He did go.", True), ("12 boats", "21 boats", True),
        ("at 10:30", "at 10.30", True), ("他没去", "他去", True), ("one boat left", "a boat left", False),
        ("boats, 12", "12 boats", False), ("three boats", "two boats", True), ("三只船", "两只船", True),
        ("a letter for Anna Weber", "a letter for Anna Huber", True),
        ("yesterday Anna came", "Anna came yesterday", False), ("A LETTER FOR ANNA", "A NOTE FOR ANNA", False),
        ("we met at John's house", "we met in John's house", False),
        ("we met at John's house", "we met at Jane's house", True),
        ("they said Don’t stop, then", "they said Don’t stop, now", False),
        ("give 5 mg of it", "give 5 g of it", True), ("give 5 µg of it", "give 5 mg of it", True),
        ("at 12 in the street", "at 12 on the street", False), ("it was -5 °C there", "it was 5 °C there", True),
        ("it was −5 °C there", "it was -5°C there", False), ("es waren –5 °C", "es waren 5 °C", True),
        ("von 5 – 10 Booten", "von 5 - 10 Booten", False), ("it costs $20 now", "it costs €20 now", True),
        ("it fell by 5 %", "it fell by 5", True), ("it fell by 5 %", "it fell by 5%", False),
        ("a plant of 3 MW", "a plant of 3 mW", True), ("from < 5 to > 7", "from > 5 to < 7", False),
        ("at < 5", "at > 5", True), ("in 1987 we came", "in 1987 they came", False),
        ("from 5-10 boats", "from 5-10 ships", False), ("meet at 5 pm", "meet at 5 am", True),
        ("take the Foo2bar thing", "take the Foo2bar one", False),
    ],
)  # fmt: skip
def test_meaning_changed_by_numbers_negations_and_names(old: str, new: str, other: bool) -> None:
    """Given a number, a "not" or a name that is lost, new or another one, Then the meaning has changed."""
    assert meaning_changed(old, new) is other


@pytest.mark.parametrize(
    ("old", "new", "missing"),
    [
        ("one two three four", "one two three", True), ("one two three four five", "one four five", True),
        ("one two three four", "one three four", False), ("one two three", "one two three four five", True),
        ("one two three", "one too three", False), ("", "", False),
    ],
)  # fmt: skip
def test_words_missing_in_a_row_or_at_the_end(old: str, new: str, missing: bool) -> None:
    """Given two words in a row or the last one lost or new, Then a part is missing."""
    assert words_missing(old, new) is missing


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        ("Is it here?", "Is it here.", True), ("It is here.", "It is here?", True), ("ここですか？", "ここですか。", True),
        ('He asked: "Here?"', 'He asked: "Here."', True), ("Is it here?", "Is it here", False),
        ("is it here", "is it here?", False), ("So? Is it here?", "So, is it here?", False),
        ("It rains; we stay.", "It rains, we stay.", False), ("Είναι εδώ\u037e", "Είναι εδώ.", True),
        ("- one\n- two\n- three", "- one - two - three", True), ("one\ntwo\n", "one two", False),
        ("if a:\n    b\nif c:\n    d", "if a:\n b\nif c:\n d", True), ("if a:\n\tb\nc", "if a:\n b\nc", False),
    ],
)  # fmt: skip
def test_form_lost_with_questions_lines_and_indentation(old: str, new: str, lost: bool) -> None:
    """Given a question that became a statement, or two lines or indentations and more of which none is left, Then the
    form is lost; a mark that is missing at the end, and one line break, are not noticed."""
    assert form_lost(old, new) is lost


@pytest.mark.parametrize(
    ("spoken", "heard", "missing"),
    [
        ("the boat left at noon", "the boat left at", True), ("the boat left at noon", "the boat", True),
        ("the boat left at noon", "the boat left at none", False),
        ("the boat left at noon", "boat left at noon", True), ("the boat left at noon", "the boat at noon", False),
        ("the boat left", "the boat left again", False), ("the boat left", "", True), ("", "", False),
    ],
)  # fmt: skip
def test_end_missing_only_without_the_first_or_last_word(spoken: str, heard: str, missing: bool) -> None:
    """Given spoken words, Then a transcript without the first or last word lacks an end; another word there is an end."""
    assert end_missing(spoken, heard) is missing


def test_distances_are_shares_of_the_longer_text() -> None:
    """Given one letter or one word of many, Then the share is that of the longer text; empty texts are the same."""
    assert character_distance("abcde", "abXde") == pytest.approx(0.2)
    assert word_distance("one two three four", "one two drei four") == pytest.approx(0.25)
    assert chrf([], []).tolist() == [] and chrf_counts([], []).shape == (0, 18)
    assert character_distance("", "") == 0 and chrf([" ", "a"], ["", ""]).tolist() == [100, 0]
    assert words_of("Don’t stop: 今日 now") == ["don’t", "stop", "今", "日", "now"]


def test_chrf_counts_are_those_of_plain_counting() -> None:
    """Given more texts than are sorted at once, of any length in any letters, also halves of a letter, Then each count is that of plain counting."""
    rng = np.random.default_rng(6)

    def text() -> str:
        return "".join(rng.choice(list("abcab é今\n\ud800"), int(rng.integers(0, 30))))

    texts = [text() for _ in range(600)]
    truths = [one if at % 5 == 0 else text() for at, one in enumerate(texts)]
    wanted = []
    for pair in zip(texts, truths, strict=True):
        row: list[int] = []
        for order in range(1, 7):
            dense = ["".join(one.split()) for one in pair]
            mine, theirs = (Counter(one[at : at + order] for at in range(len(one) - order + 1)) for one in dense)
            row += [mine.total(), theirs.total(), (mine & theirs).total()]
        wanted.append(row)
    assert chrf_counts(texts, truths).tolist() == wanted
