"""The split: stratified, stable, never overlapping, small sets kept for the test."""

import pytest

from workers.evaluate.data.base import digest
from workers.evaluate.data.split import Splitter, calibration_size, choose, quotas


@pytest.mark.parametrize(("items", "size"), [(3, 0), (4, 0), (10, 2), (180, 36), (1000, 200), (100_000, 200)])
def test_calibration_takes_a_fifth_at_most(items: int, size: int) -> None:
    """Given few items, then a fifth calibrates (never over a quarter); given many, then as many as wanted."""
    assert calibration_size(items, 200) == size
    assert size <= items / 4


def test_quotas_are_proportional() -> None:
    """Given unequal groups, then places are shared out in proportion and add up."""
    shares = quotas({"a": 90, "b": 9, "c": 1}, 10)
    assert sum(shares.values()) == 10 and shares["a"] == 9 and shares["b"] == 1
    assert quotas({"a": 2, "b": 1}, 10) == {"a": 2, "b": 1}


def test_choice_does_not_depend_on_order() -> None:
    """Given the same items in another order, then the same ones are chosen, in proportion to their groups."""
    names = [f"item {i}" for i in range(300)]
    groups = [i % 3 for i in range(300)]
    chosen = {names[i] for i in choose(groups, lambda i: digest(names[i].encode()), 30)}
    back, groups_back = names[::-1], groups[::-1]
    again = {back[i] for i in choose(groups_back, lambda i: digest(back[i].encode()), 30)}
    assert chosen == again and len(chosen) == 30
    assert [sum(groups[names.index(n)] == g for n in chosen) for g in range(3)] == [10, 10, 10]


def test_splitter_fills_the_quota_of_each_group() -> None:
    """Given groups of 10 and 5 and three places, then the first two of one and the first of the other calibrate."""
    groups = ["a"] * 10 + ["b"] * 5
    splitter = Splitter(groups, 3)
    taken = [group for group in groups if splitter.calibrates(group)]
    assert taken == ["a", "a", "b"]
