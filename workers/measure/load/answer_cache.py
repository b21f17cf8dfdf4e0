"""Answers kept for inputs that come again: how often that helps, expected and measured.

Che's approximation for a cache that forgets what was asked longest ago (LRU): item i is found with probability
1 − exp(−p_i·T), where T solves Σ(1 − exp(−p_i·T)) = capacity. Che, Tung, Wang: Hierarchical Web Caching Systems (IEEE
JSAC 2002); why it is so exact: Fricker, Robert, Roberts (arXiv 1202.3974).
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Feeds = Mapping[str, NDArray[Any]]

BISECTIONS = 200


def zipf(items: int, exponent: float) -> Floats:
    """Probabilities of items by rank: the k-th most wanted is asked for proportionally to k to the −exponent."""
    weights: Floats = np.power(np.arange(1, items + 1, dtype=np.float64), -exponent)
    shares: Floats = weights / weights.sum()
    return shares


def che_hit_rate(probabilities: Floats, capacity: int) -> float:
    """Share of requests that an LRU cache of `capacity` answers answers; 1 where all items fit into it."""
    if capacity >= probabilities.size:
        return 1.0
    if capacity <= 0:
        return 0.0
    low, high = 0.0, 1.0
    while np.sum(-np.expm1(-probabilities * high)) < capacity:
        high *= 2
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if np.sum(-np.expm1(-probabilities * middle)) < capacity:
            low = middle
        else:
            high = middle
    return float(np.sum(probabilities * -np.expm1(-probabilities * high)))


class AnswerCache:
    """The last `capacity` answers by what was asked; the one that was asked for longest ago goes first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[bytes, Any] = OrderedDict()
        self.hits = 0

    def answer(self, feeds: Feeds, run: Callable[[Feeds], Any]) -> tuple[Any, bool]:
        """The answer, and whether it was kept."""
        key = key_of(feeds)
        if key in self._kept:
            self._kept.move_to_end(key)
            self.hits += 1
            return self._kept[key], True
        found = self._kept[key] = run(feeds)
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return found, False


def key_of(feeds: Feeds) -> bytes:
    """The same for the same inputs: names, shapes, types and all their bytes."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(feeds):
        array = np.ascontiguousarray(feeds[name])
        digest.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        digest.update(array.data if array.dtype != object else repr(array.tolist()).encode())
    return digest.digest()


@dataclass(frozen=True)
class CacheRun:
    """Milliseconds of each request with the cache, whether it was a hit, and all the seconds it took."""

    latencies_ms: Floats
    hit: NDArray[np.bool_]
    seconds: float


def run_cached(
    order: Sequence[int],
    feed: Callable[[int], Feeds],
    run: Callable[[Feeds], Any],
    cache: AnswerCache,
    seconds: float,
    check: Callable[[], None],
) -> CacheRun:
    """Ask for the items of `order` one after the other, for `seconds` at most and one at least."""
    latencies: list[float] = []
    hits: list[bool] = []
    clock = time.perf_counter
    started = end = clock()
    for item in order:
        check()
        feeds = feed(item)
        begin = clock()
        _, hit = cache.answer(feeds, run)
        end = clock()
        latencies.append((end - begin) * 1000)
        hits.append(hit)
        if end - started > seconds:
            break
    return CacheRun(np.asarray(latencies), np.asarray(hits, bool), end - started)
