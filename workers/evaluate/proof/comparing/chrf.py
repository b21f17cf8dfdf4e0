"""Compute chrF, the share of character n-grams that a text has in common with its reference, for many texts at once.

Method: Popović 2015, W15-3049.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]

CHRF_ORDER, CHRF_BETA = 6, 2.0
"""Character n-grams have up to six letters, and recall counts twice as much as precision (sacrebleu's defaults)."""

BLOCK_PAIRS = 64
"""This many pairs are counted at once. For short texts, this is what the processor's cache holds."""

_HASH_BITS = 43
"""A key holds the pair (20 bits), a hash of the n-gram, and one bit for the side. Between two texts of a thousand
letters, one n-gram in ten million is taken for another one.
"""

_BASE, _MIX = np.uint64(0x100000001B3), (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
"""The prime of FNV-1a, and the multipliers of SplitMix64's finalizer (Steele, Lea and Flood 2014)."""


def chrf_counts(texts: Sequence[str], truths: Sequence[str]) -> Floats:
    """Return the n-gram counts of each pair of a text and its reference.

    The counts of several pairs add up to those of all (chrF of a corpus). White space does not count.

    Returns:
        Array (n, 18) of float64. For each n-gram length: how many the text has, how many the reference has, how many
        both.
    """
    counts = np.zeros((len(texts), CHRF_ORDER, 3))
    for start in range(0, len(texts), BLOCK_PAIRS):
        block = slice(start, start + BLOCK_PAIRS)
        counts[block] = _block(
            [_dense(text) for pair in zip(texts[block], truths[block], strict=True) for text in pair]
        )
    return counts.reshape(len(texts), 3 * CHRF_ORDER)


def _dense(text: str) -> str:
    return "".join(text.split())


def _block(texts: Sequence[str]) -> Floats:
    """Return counts (pairs, orders, 3) of a list that alternates between a text and its reference."""
    pairs = len(texts) // 2
    lengths = np.asarray([len(text) for text in texts])
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    place = np.arange(pairs, dtype=np.uint64)[:, None] << np.uint64(_HASH_BITS + 1) | np.arange(2, dtype=np.uint64)
    place = np.repeat(place.ravel(), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(codes))
    grams, counts = np.zeros_like(codes), np.zeros((pairs, CHRF_ORDER, 3))
    for order in range(1, CHRF_ORDER + 1):
        counts[:, order - 1, :2] = np.maximum(lengths - order + 1, 0).reshape(pairs, 2)
        whole = len(codes) - order + 1
        if whole > 0:
            grams = grams[:whole] * _BASE + codes[order - 1 :] + np.uint64(1)
            inside = left[:whole] >= order
            keys = _mixed(grams[inside]) | place[:whole][inside]
            counts[:, order - 1, 2] = _shared(keys, counts[:, order - 1, :2].sum(axis=1).astype(np.int64))
    return counts


def _mixed(grams: Keys) -> Keys:
    """Return the mixed hashes, shifted to their place in the key."""
    first, second = _MIX
    mixed = (grams ^ (grams >> np.uint64(30))) * first
    mixed = (mixed ^ (mixed >> np.uint64(27))) * second
    return np.asarray((mixed >> np.uint64(64 - _HASH_BITS)) << np.uint64(1), np.uint64)


def _shared(keys: Keys, sizes: NDArray[np.int64]) -> Floats:
    """Return how many n-grams both sides of each pair have, (pairs,).

    Each n-gram counts as often as on the side that has fewer of it.

    Args:
        keys: Keys of all n-grams, one pair after the other.
        sizes: Number of keys of each pair (pairs,).
    """
    if not len(keys):
        return np.zeros(len(sizes))
    for end, size in zip(np.cumsum(sizes).tolist(), sizes.tolist(), strict=True):
        keys[end - size : end].sort()  # a few hundred at a time take a third of the time of all together
    grams = keys >> np.uint64(1)
    starts = np.flatnonzero(np.concatenate([[True], grams[1:] != grams[:-1]]))
    theirs = np.add.reduceat((keys & np.uint64(1)).astype(np.int64), starts)
    both = np.minimum(theirs, np.diff(np.append(starts, len(keys))) - theirs)
    owner = (grams[starts] >> np.uint64(_HASH_BITS)).astype(np.int64)
    return np.asarray(np.bincount(owner, weights=both, minlength=len(sizes)), np.float64)


def chrf_of(counts: Floats) -> Floats:
    """Return chrF, 0..100, of shape (…,), from counts (…, 18).

    n-gram lengths that either text does not have are left out, as sacrebleu does.
    """
    mine, theirs, shared = (counts[..., k::3] for k in range(3))
    known = (mine > 0) & (theirs > 0)
    orders = np.maximum(known.sum(axis=-1), 1)
    precision = np.where(known, shared / np.where(known, mine, 1.0), 0.0).sum(axis=-1) / orders
    recall = np.where(known, shared / np.where(known, theirs, 1.0), 0.0).sum(axis=-1) / orders
    factor = CHRF_BETA**2
    below = factor * precision + recall
    return np.asarray(100 * (1 + factor) * precision * recall / np.where(below > 0, below, 1.0), np.float64)


def chrf(texts: Sequence[str], truths: Sequence[str]) -> Floats:
    """Return chrF (n,) of each text against its reference, 0..100; two empty texts are equal."""
    counts = chrf_counts(texts, truths)
    empty = counts[:, :2].sum(axis=1) == 0
    return np.where(empty, 100.0, chrf_of(counts))
