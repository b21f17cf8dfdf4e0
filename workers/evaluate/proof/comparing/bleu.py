"""Compute BLEU, the share of word n-grams that a text has in common with its reference, for many texts at once.

Method: Papineni et al. 2002, P02-1040. Words are split as in WMT's mteval-v13a and zero counts are smoothed as there,
so that a corpus gets the value of sacrebleu (Post 2018, W18-6319). The tests compare with that library. It is not used
here because it counts one pair at a time and would add lxml, portalocker, regex and tabulate to each installation.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BLEU_ORDER = 4
COLUMNS = 2 * BLEU_ORDER + 2

_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
_APART = (
    (re.compile(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])"), r" \1 "), (re.compile(r"([^0-9])([\.,])"), r"\1 \2 "),
    (re.compile(r"([\.,])([^0-9])"), r" \1 \2"), (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)  # fmt: skip


def bleu_counts(texts: Sequence[str], truths: Sequence[str]) -> Floats:
    """Return the n-gram counts of each pair of a text and its reference.

    The counts of several pairs add up to those of all.

    Returns:
        Array (n, 10) of float64. For n-grams of 1 to 4 words: how many both have, and how many the text has. Then the
        number of words of the text and of the reference.
    """
    return np.asarray([_counts(_words(a), _words(b)) for a, b in zip(texts, truths, strict=True)], np.float64).reshape(
        -1, COLUMNS
    )


def bleu_of(counts: Floats) -> Floats:
    """Return BLEU, 0..100, of shape (…,), from sums of counts (…, 10)."""
    shared, made = counts[..., : 2 * BLEU_ORDER : 2], counts[..., 1 : 2 * BLEU_ORDER : 2]
    mine, theirs = counts[..., -2], counts[..., -1]
    # The k-th length without a match counts 1 / 2^k (Chen and Cherry 2014, their method 3).
    halves = 2.0 ** np.cumsum((shared <= 0) & (made > 0), axis=-1)
    precision = np.where(shared > 0, shared, 1 / halves) / np.where(made > 0, made, 1.0)
    precision = np.where(made > 0, precision, 0.0)
    mean = np.exp(np.log(np.maximum(precision, 1e-300)).mean(axis=-1))
    short = np.exp(np.minimum(0.0, 1 - theirs / np.where(mine > 0, mine, 1.0)))
    is_any = (mine > 0) & (shared[..., 0] > 0) & (made > 0).all(axis=-1)
    return np.asarray(np.where(is_any, 100 * short * mean, 0.0), np.float64)


def _counts(text: list[str], right: list[str]) -> list[int]:
    found = []
    for order in range(1, BLEU_ORDER + 1):
        mine, theirs = _runs(text, order), _runs(right, order)
        found += [(mine & theirs).total(), mine.total()]
    return [*found, len(text), len(right)]


def _runs(words: list[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(words[at:] for at in range(order)), strict=False))


def _words(text: str) -> list[str]:
    line = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, letter in _ENTITIES if "&" in line else ():
        line = line.replace(entity, letter)
    line = f" {line} "
    for pattern, apart in _APART:
        line = pattern.sub(apart, line)
    return line.split()
