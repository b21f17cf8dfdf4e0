"""Choose a short passage of each text on which a language model is judged, drawn by the text's own content.

A proof needs many texts, but only a few words of each. With 321 texts, five words of each are enough for the bound over
words. So one block of `WORDS` to twice as many next words is judged of each text without an answer, together with the
words before it. A place of the text is drawn, and every place has the same chance. The share changed of the block that
holds this place is an unbiased estimate of that of the whole text. The bound over texts therefore holds as it does for
whole texts.

Errors that appear only far from the beginning are visible at the ends of long texts. These are read from their
beginning: long conversations, and the first texts that are long themselves. Dialogues stay whole, because the beginning
and the end of their answers are judged.
"""

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.data.in_a_row import MOST
from workers.evaluate.data.store import feeds_digest
from workers.infer.chat_session import COUNTED, IDS
from workers.pipeline.pipeline import Arrays
from workers.pipeline.prepared import Prepared

WORDS = 20
"""A block has at least this many next words. With so many words, one changed word does not make a changed text
(`TEXT_CHANGED`).
"""

BEFORE = 40
"""At most this many tokens of the text are read before the block."""

LONG_SHARE = 0.5
"""A text is long if it has this share of the largest number of judged tokens."""

LAST_WORDS = 256
"""At most this many next words of a long text are judged. They are its last words, which have the most words before
them.
"""


class Passages:
    """Passages of all items, made on access: `input_ids` and `counted`, both (1, tokens) of int64."""

    def __init__(self, items: Prepared, max_length: int) -> None:
        """Create the passages of `items`; `max_length` is the largest number of judged tokens of a text."""
        self._items = items
        least = LONG_SHARE * max_length
        long = (at for at in range(len(items)) if items[at][COUNTED].sum() >= least)
        self._long = {at for at, _ in zip(long, range(MOST), strict=False)}

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def __getitem__(self, index: int) -> Arrays:
        """Return the inputs of one item, reduced to its passage."""
        feeds = self._items[index]
        return with_last_words(feeds) if index in self._long else passage_of(feeds)


def passage_of(feeds: Arrays) -> Arrays:
    """Return one block of a text with the words before it.

    A dialogue, or a text with few words, is returned up to its last counted word.
    """
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
    """Return the block [start, stop) of `words` with the place that `number` (uniform, 64 bits) draws."""
    blocks = max(1, words // WORDS)
    edges: NDArray[np.int64] = np.arange(blocks + 1, dtype=np.int64) * words // blocks
    block = int(np.searchsorted(edges, number % words, side="right")) - 1
    return int(edges[block]), int(edges[block + 1])


def with_last_words(feeds: Arrays) -> Arrays:
    """Return a text from its beginning, in which only the last words are judged; a dialogue is returned whole."""
    found = up_to_the_last_word(feeds)
    at = np.flatnonzero(found[COUNTED][0])
    if at[-1] - at[0] >= len(at):
        return found
    judged = found[COUNTED].copy()
    judged[0, at[:-LAST_WORDS]] = 0
    return {**found, COUNTED: judged}


def up_to_the_last_word(feeds: Arrays) -> Arrays:
    """Return the inputs without the tokens that follow the last counted word."""
    at = np.flatnonzero(feeds[COUNTED][0])
    end = int(at[-1]) + 1 if len(at) else feeds[IDS].shape[1]
    return {**feeds, IDS: feeds[IDS][:, :end], COUNTED: feeds[COUNTED][:, :end]}
