"""Language models in lock step: what counts as another next word, and what it takes to be safe."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from zoo import all_zoos, draw
from zoo_next_words import change as changed_logits
from zoo_next_words import make

from workers.contracts.data.reading import FETTLES_OWN
from workers.evaluate.data.answered import ANSWER_AT
from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.proof.case import case_of
from workers.evaluate.proof.engine import judge_case
from workers.evaluate.proof.predictions import Predictions
from workers.evaluate.proof.tasks.next_words import TASK, least_kl
from workers.infer.next_tokens import KEPT, WIDTH, thoughts
from workers.pipeline.next_words import changed_places

VOCABULARY, PLACES = 500, 60
ENOUGH, DIALOGUES = 325, 49
"""Texts of which none breaks prove 1 %: 321 and a few more."""


END, LONG = 3, 250
OWN = {ANSWER_AT: 40.0, FETTLES_OWN: 1.0}


def judged(
    change, texts=ENOUGH, dialogues=0, limit_pct=1.0, size=(PLACES, VOCABULARY), ends=None, cut=False, read=None
):
    """Judge texts of a person and dialogues of Fettle's own whose answers begin at place 40.

    Logits are steep, a few near ties among them, as those of a trained model. `change(rows, number)` changes those of
    the version. With `ends` each text ends with `END`, which is unlikely there as after a question without an
    answer, unless it is `cut`. Only the first `read` items are predicted.
    """
    rng = np.random.default_rng(5)
    old = [(rng.gumbel(size=size) * 2).astype(np.float32) for _ in range(texts + dialogues)]
    for rows in old if ends is not None else ():
        rows[:, END] = -6
        rows[-1, END] = rows[-1].max() - 1.5
    following = [rows.argmax(axis=-1) for rows in old]
    for rows in following if ends is not None and not cut else ():
        rows[-1] = END
    new = [change(rows.copy(), number) for number, rows in enumerate(old)]
    items = [Item(f"text {i}", facts={} if i < texts else OWN) for i in range(texts + dialogues)]
    answers = []
    for logits in (old, new):
        parts = [thoughts(rows, follow) for rows, follow in zip(logits[:read], following, strict=False)]
        finite = np.asarray([bool(np.isfinite(part).all()) for part in parts])
        answers.append(Predictions(parts, None, finite, {}, "next_tokens", "logits", False, ends=ends or ()))
    return judge_case(case_of(DataSet("texts", "person", None, test=tuple(items)), *answers), limit_pct)


def noise(size):
    rng = np.random.default_rng(6)
    return lambda rows, _: rows + (size * rng.standard_normal(rows.shape)).astype(np.float32)


def test_thoughts_keep_the_shares_of_whole_distributions():
    # Given logits of both
    rng = np.random.default_rng(0)
    old, new = (rng.standard_normal((200, VOCABULARY)).astype(np.float32) * 3 for _ in range(2))
    new = old + 0.7 * new
    following = rng.integers(VOCABULARY, size=200)
    # When they are stored as few numbers, Then those have the shares of the whole distributions
    shares = np.exp(old.astype(np.float64)) / np.exp(old.astype(np.float64)).sum(axis=-1, keepdims=True)
    picked = shares[np.arange(200), new.argmax(axis=-1)]
    a, b = thoughts(old, following), thoughts(new, following)
    assert a.shape == (200, WIDTH)
    np.testing.assert_array_equal(changed_places(a, b), picked < shares.max(axis=-1) / 2)
    np.testing.assert_allclose(a[:, 1], np.log(shares[np.arange(200), following]), atol=1e-4)
    np.testing.assert_array_equal(a[:, 2], old.argmax(axis=-1))
    assert (np.diff(a[:, 2 + KEPT :]) <= 0).all()


def test_small_vocabulary_is_padded_and_nan_stays():
    rows = np.zeros((2, 3), np.float32)
    rows[1] = np.nan
    report = thoughts(rows, np.asarray([0, 0]))
    assert np.isfinite(report[0]).all() and np.isnan(report[1]).all()


def test_other_numerics_are_safe():
    found = judged(noise(0.02))
    assert (found.task, found.verdict) == (TASK.id, "safe")
    assert found.units == ENOUGH * PLACES and found.changed_high < 0.01
    assert not found.labelled and found.similarity > 0.97


def test_few_texts_prove_nothing_however_many_words_they_have():
    found = judged(noise(0.0), texts=29)
    assert found.verdict == "not_enough_data"
    assert found.missing_examples >= 1
    assert any("At least 30" in note for note in found.notes)


def test_texts_that_may_break_wholly_need_as_many_texts_as_other_items():
    """Given 100 texts of 60 words without a change, Then 1 % is not proven, 221 more would do, and 5 % is proven."""
    found = judged(noise(0.0), texts=100)
    assert (found.verdict, found.missing_examples) == ("not_enough_data", 221)
    assert any("100 texts are too few" in reason for reason in found.reasons)
    assert judged(noise(0.0), texts=100, limit_pct=5.0).verdict == "safe"


def test_words_of_one_text_are_not_counted_as_independent():
    """One text in a hundred is all wrong: by words alone that is 1 % for sure, by texts it is not."""
    found = judged(lambda rows, number: rows if number else rows[:, ::-1].copy(), texts=100, limit_pct=3.0)
    naive = found.units_changed / found.units
    assert found.changed_high > 2 * naive


def test_least_kl_is_a_close_lower_bound():
    rng = np.random.default_rng(1)
    old = (rng.gumbel(size=(50, VOCABULARY)) * 2).astype(np.float32)
    new = old + rng.standard_normal(old.shape).astype(np.float32)
    following = old.argmax(axis=-1)
    p, q = (
        np.exp(rows.astype(np.float64)) / np.exp(rows.astype(np.float64)).sum(-1, keepdims=True) for rows in (old, new)
    )
    true = (p * np.log(p / q)).sum(axis=-1)
    report = least_kl(thoughts(old, following), thoughts(new, following))
    assert (report <= true + 1e-5).all() and report.mean() > 0.5 * true.mean()


def test_length_of_the_longest_text_is_reported():
    """Given a version that is equal in all texts, Then a note holds the length of the longest text."""
    found = judged(noise(0))
    assert found.verdict == "safe"
    assert any(
        f"has {PLACES} words or pieces" in note and "longer chats were not compared" in note for note in found.notes
    )


def end_moved(by, **more):
    """Judge long texts whose last logit of the end is moved."""

    def change(rows, _):
        rows[:, END] += by
        return rows

    return judged(change, size=(LONG, 80), **{"ends": (END,), **more})


def test_answers_without_an_end_are_regressed():
    # Given a version that hardly ever ends, and long texts in which that is one word of hundreds
    found = end_moved(-3.5)
    # Then it is regressed for that alone
    assert found.verdict == "regressed" and found.agreement > 0.99
    assert any("An end is less likely" in note for note in found.notes)
    assert not any("perplexity rose" in note for note in found.notes)
    # And no other gate detects it
    assert end_moved(-3.5, ends=()).verdict == "safe"


def test_answers_that_end_too_soon_are_regressed():
    # Given an end that is far likelier than before, Then it is regressed
    found = end_moved(2.0)
    assert found.verdict == "regressed" and any("An end is more likely" in note for note in found.notes)


@pytest.mark.parametrize("moved", [0.0, -0.03, 0.2, -0.22])
def test_an_end_that_rounding_moves_is_safe(moved):
    # Given what 16 and 8 bits were seen to do to the end, Then it is safe
    assert end_moved(moved).verdict == "safe"


def test_texts_without_an_end_prove_no_end():
    # Given texts that are longer than what is judged, of a model whose answers end, Then that is not enough, with a note
    found = end_moved(0.0, cut=True)
    assert found.verdict == "not_enough_data"
    assert any("In 0 of these texts an answer ends" in note for note in found.notes)


def turned(*places, numbers=range(ENOUGH, ENOUGH + DIALOGUES)):
    """Change the words at these places of these items, by default of all dialogues."""

    def change(rows, number):
        if number in numbers:
            for at in places:
                rows[at] = rows[at, ::-1]
        return rows

    return change


def test_answers_with_another_beginning_are_regressed():
    # Given a version that begins every answer with another word and is as before in what people write
    found = judged(turned(40), dialogues=DIALOGUES)
    # Then it is regressed, though no word of the person's texts changed, and Fettle's dialogues do not count as examples
    assert found.verdict == "regressed" and found.agreement == 1.0 and found.n == ENOUGH
    # And the reason and its dialogues are reported
    (reason,) = [reason for reason in found.reasons if "Answers begin with another word" in reason]
    assert reason in found.notes and found.changed_count == 0
    assert set(found.beside_changed) <= set(range(ENOUGH, ENOUGH + DIALOGUES)) and len(found.beside_changed) > 35


def test_answers_of_other_words_are_regressed():
    found = judged(turned(41, 51), dialogues=DIALOGUES)
    assert found.verdict == "regressed" and any("In answers other words stand" in note for note in found.notes)


def test_the_same_answers_are_safe():
    # Given the same, or one first word in 49 that is another, Then it is safe
    same = judged(turned(), dialogues=DIALOGUES)
    assert same.verdict == "safe" and same.reasons == () and same.beside_changed == ()
    assert judged(turned(40, numbers=[ENOUGH]), dialogues=DIALOGUES).verdict == "safe"


def test_dialogues_that_were_not_reached_prove_nothing():
    # Given too little time for the dialogues, which come last, Then it is not enough, with a note
    found = judged(turned(), dialogues=DIALOGUES, read=ENOUGH)
    assert found.verdict == "not_enough_data" and any("were not reached" in note for note in found.notes)


@pytest.mark.parametrize(
    ("odd", "even", "verdict"), [(0, 0, "safe"), (-3.5, -3.5, "regressed"), (-3.5, 3.5, "regressed")]
)
def test_only_the_ends_of_answers_count(odd, even, verdict):
    """Given many texts of a person whose ends are as before, and answers that hardly ever end, Then it is regressed; as
    many that end too soon do not make up for it."""

    def change(rows, number):
        rows[-1, END] += 0 if number < ENOUGH else odd if number % 2 else even
        return rows

    assert judged(change, dialogues=40, size=(PLACES, 80), ends=(END,)).verdict == verdict


@pytest.mark.parametrize(("scale", "verdict"), [(0.6, "regressed"), (0.8, "regressed"), (0.9, "safe")])
def test_flattened_shares_are_regressed_where_the_original_is_too_sure(scale, verdict):
    """Given an original that is surer than right, and a version with the same picks and flatter shares, whose
    perplexity is lower, Then it is regressed by how sure it is."""
    flat = {"flat": changed_logits(lambda logits, rng: logits * scale)}
    zoo = replace(all_zoos()["next words"], make=partial(make, truth=0.6), harm=flat)
    found = draw(zoo, 400, 1).judged("flat", 2.0)
    assert found.verdict == verdict and found.units_changed == 0
    assert (scale == 0.9) == (not any(reason.startswith("How sure it is differs") for reason in found.reasons))
