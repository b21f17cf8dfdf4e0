"""A cache of answers: Che's approximation against a simulated cache, and what counts as the same input."""

from collections import OrderedDict

import numpy as np
import pytest

from workers.measure.load.answer_cache import AnswerCache, che_hit_rate, key_of, run_cached, zipf


def simulated_lru(order: np.ndarray, capacity: int, warm: int) -> float:
    """A plain LRU cache of its own, so that the measured one is not judged by itself."""
    kept: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for number, item in enumerate(order.tolist()):
        if item in kept:
            kept.move_to_end(item)
            hits += number >= warm
        else:
            kept[item] = None
            if len(kept) > capacity:
                kept.popitem(last=False)
    return hits / (len(order) - warm)


@pytest.mark.parametrize(("items", "capacity", "exponent"), [(1000, 50, 0.8), (1000, 250, 1.0), (5000, 500, 1.2)])
def test_che_predicts_an_lru_cache(items: int, capacity: int, exponent: float) -> None:
    """Given Zipf traffic, Then the expected hit rate is within .004 of that of 400,000 requests."""
    chances = zipf(items, exponent)
    order = np.random.default_rng(1).choice(items, 400_000, p=chances)
    assert che_hit_rate(chances, capacity) == pytest.approx(simulated_lru(order, capacity, 50_000), abs=0.004)


def test_the_measured_cache_hits_as_expected() -> None:
    """Given the cache that is measured with, Then its own hit rate is within .01 of what is expected."""
    chances = zipf(300, 1.0)
    order = np.random.default_rng(2).choice(300, 60_000, p=chances).tolist()
    feeds = [{"x": np.array([number])} for number in range(300)]
    cache = AnswerCache(60)
    done = run_cached(order, feeds.__getitem__, lambda given: given["x"] * 2, cache, 30.0, lambda: None)
    assert len(done.hit) == 60_000 and cache.hits == done.hit.sum()
    assert done.hit[10_000:].mean() == pytest.approx(che_hit_rate(chances, 60), abs=0.01)


def test_ends_of_the_scale() -> None:
    chances = zipf(10, 1.0)
    assert chances.sum() == pytest.approx(1) and che_hit_rate(chances, 10) == 1.0 and che_hit_rate(chances, 0) == 0.0
    assert AnswerCache(0).answer({"x": np.zeros(1)}, lambda _feeds: 7) == (7, False)


def test_only_the_very_same_input_is_a_hit() -> None:
    """Given inputs that differ in value, type, shape or name, Then each is asked for."""
    base = {"x": np.array([1, 2], np.int32)}
    others = [
        {"x": np.array([1, 3], np.int32)},
        {"x": np.array([1, 2], np.int64)},
        {"x": np.array([[1, 2]], np.int32)},
        {"y": np.array([1, 2], np.int32)},
        {"x": np.array(["a", "b"], object)},
    ]
    assert len({key_of(feeds) for feeds in (base, *others)}) == 6
    assert key_of(base) == key_of({"x": np.array([1, 2], np.int32)})


def test_what_was_asked_longest_ago_goes_first() -> None:
    cache = AnswerCache(2)
    a, b, c = ({"x": np.array([number])} for number in range(3))
    for feeds in (a, b, a, c):
        cache.answer(feeds, lambda given: given)
    assert cache.answer(a, lambda given: given)[1] and not cache.answer(b, lambda given: given)[1]
