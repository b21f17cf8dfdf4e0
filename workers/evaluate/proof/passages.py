"""Passages of texts: a language model is judged on a short stretch of each text, drawn by the text's own content.

A proof needs many texts, and of each only a few words: with 321 texts, five words of each suffice for the bound over
words. So of a text that nobody answers one block of `WORDS` to twice as many next words is judged, with the words
before it. The place whose block it is has the same chance as every other one: the share changed of the block is an
unbiased estimate of that of the text, and the bound over texts holds for it as it does for whole texts.

What goes wrong only far from the beginning is seen at the ends of long texts, which are read from their beginning: of
the long conversations, and of the first ones of texts that are long themselves. Dialogues stay whole, since how their
answers begin and end is judged.
"""

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.data.in_a_row import MOST
from workers.evaluate.data.store import feeds_digest
from workers.infer.chat_session import COUNTED, IDS
from workers.pipeline.pipeline import Arrays
from workers.pipeline.prepared import Prepared

WORDS = 20
"""Next words of a block, at least. One changed word among so many does not make a changed text (`TEXT_CHANGED`)."""

BEFORE = 40
"""Tokens of the text that are read before the block, at most."""

LONG_SHARE = 0.5
"""A text of so many of the tokens that are judged at most is a long one."""

LAST_WORDS = 256
"""Next words that are judged of a long text, at most: the last ones, which have the most before them."""


class Passages:
    """What is read of each item: `input_ids` and `counted`, both (1, tokens) of int64."""

    def __init__(self, items: Prepared, max_length: int) -> None:
        self._items = items
        least = LONG_SHARE * max_length
        long = (at for at in range(len(items)) if items[at][COUNTED].sum() >= least)
        self._long = {at for at, _ in zip(long, range(MOST), strict=False)}

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Arrays:
        feeds = self._items[index]
        return with_last_words(feeds) if index in self._long else passage_of(feeds)


def passage_of(feeds: Arrays) -> Arrays:
    """One block of a text with the words before it; a dialogue, or a text of few words, up to its last word."""
    ids, counted = feeds[IDS][0], feeds[COUNTED][0] != 0
    at = np.flatnonzero(counted[1:]) + 1
    if len(at) < 2 * WORDS or at[-1] - at[0] >= len(at):
        return up_to_the_last_word(feeds)
    first, (start, stop) = int(at[0]), block_of(len(at), int.from_bytes(feeds_digest(feeds)[:8], "big"))
    read = np.concatenate([ids[:first], ids[first + max(0, start - BEFORE) : first + stop]])
    judged = np.zeros_like(read)
    judged[len(read) - (stop - start) :] = 1
    return {**feeds, IDS: read[None], COUNTED: judged[None].astype(feeds[COUNTED].dtype)}


def block_of(words: int, number: int) -> tuple[int, int]:
    """Return the block [start, stop) of `words` that holds the place which `number` (uniform, 64 bits) draws."""
    blocks = max(1, words // WORDS)
    edges: NDArray[np.int64] = np.arange(blocks + 1, dtype=np.int64) * words // blocks
    block = int(np.searchsorted(edges, number % words, side="right")) - 1
    return int(edges[block]), int(edges[block + 1])


def with_last_words(feeds: Arrays) -> Arrays:
    """A text that is read from its beginning, and of which the last words are judged; a dialogue in whole."""
    found = up_to_the_last_word(feeds)
    at = np.flatnonzero(found[COUNTED][0])
    if at[-1] - at[0] >= len(at):
        return found
    judged = found[COUNTED].copy()
    judged[0, at[:-LAST_WORDS]] = 0
    return {**found, COUNTED: judged}


def up_to_the_last_word(feeds: Arrays) -> Arrays:
    """The same without what follows the last word that counts."""
    at = np.flatnonzero(feeds[COUNTED][0])
    end = int(at[-1]) + 1 if len(at) else feeds[IDS].shape[1]
    return {**feeds, IDS: feeds[IDS][:, :end], COUNTED: feeds[COUNTED][:, :end]}
