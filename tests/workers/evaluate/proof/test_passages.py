"""A language model is judged on passages of texts, drawn so that each word has its chance."""

import numpy as np
import pytest

from workers.evaluate.data.in_a_row import MOST
from workers.evaluate.proof.passages import BEFORE, LAST_WORDS, WORDS, Passages, block_of, passage_of
from workers.pipeline.prepared import Prepared, write_prepared


def feeds_of(words, *, template=5, answers=0, number=0):
    """A text of so many words behind the tokens of a template, and one token behind it; then an answer."""
    ids = np.arange(1000 * number, 1000 * number + template + words + 1 + answers)
    counted = np.zeros_like(ids)
    counted[template : template + words] = 1
    counted[template + words + 1 :] = 1
    return {"input_ids": ids[None], "counted": counted[None]}


def prepared(tmp_path, items):
    write_prepared(tmp_path / "test", items)
    return Prepared(tmp_path / "test")


def test_passage_of_long_text_is_one_block_with_words_before_it():
    """Given 400 words, then one block counts, at most `BEFORE` tokens of the text come before it, and the template."""
    whole = feeds_of(400)
    found = passage_of(whole)
    ids, counted = found["input_ids"][0], found["counted"][0]
    block = ids[counted == 1]
    assert WORDS <= len(block) < 2 * WORDS and counted[-len(block) :].all()
    assert (np.diff(block) == 1).all() and ids[:5].tolist() == [0, 1, 2, 3, 4]
    assert len(ids) <= 5 + BEFORE + len(block)
    assert passage_of(whole)["input_ids"].tolist() == found["input_ids"].tolist()


@pytest.mark.parametrize("feeds", [feeds_of(2 * WORDS - 1), feeds_of(300, answers=30)], ids=["short", "answered"])
def test_passage_of_short_text_or_dialogue_is_whole(feeds):
    """Given few words, or an answer, then all words count, and nothing is read behind the last one."""
    found, last = passage_of(feeds), np.flatnonzero(feeds["counted"][0])[-1]
    assert found["counted"].sum() == feeds["counted"].sum()
    assert found["input_ids"].shape[1] == last + 1


@pytest.mark.parametrize("words", [40, 59, 77, 400])
def test_block_of_each_place_covers_all_words_alike(words):
    """Given every place in turn, then the mean share changed of its block is that of the text."""
    changed = np.random.default_rng(words).random(words) < 0.1
    found = [changed[slice(*block_of(words, number))].mean() for number in range(words)]
    sizes = [np.diff(block_of(words, number))[0] for number in range(words)]
    assert np.mean(found) == pytest.approx(changed.mean())
    assert min(sizes) >= WORDS and max(sizes) < 2 * WORDS


def test_passages_read_first_long_texts_from_their_beginning(tmp_path):
    """Given more long texts than are read so, then the first ones are, and their last words are judged."""
    sizes = [60, *[700] * (MOST + 3)]
    items = prepared(tmp_path, [feeds_of(size, number=at) for at, size in enumerate(sizes)])
    found = [Passages(items, 1024)[at] for at in range(len(items))]
    for feeds in found[1 : MOST + 1]:
        assert feeds["input_ids"].shape[1] == 705
        assert feeds["counted"].sum() == LAST_WORDS and feeds["counted"][0, -LAST_WORDS:].all()
    assert all(WORDS <= feeds["counted"].sum() < 2 * WORDS for feeds in (found[0], *found[MOST + 1 :]))
