"""How often items were looked at."""

from datetime import UTC, datetime

import numpy as np

from app.domain.proof.looks import TestSetLook, next_number, same_look
from workers.contracts.proof.proving import level_of_look

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def look(items: range, *versions: str, number: int = 0, run_id: str = "r1", is_open: bool = False) -> TestSetLook:
    return TestSetLook("model", run_id, number, versions, frozenset(items), is_open, NOW)


def test_overlap_counts_by_item() -> None:
    """Given looks at overlapping sets, Then a set has as many before it as that of its items which has most."""
    looks = [look(range(0, 100), "a"), look(range(50, 150), "b", number=1), look(range(200, 300), "c")]
    counts = [
        next_number(looks, frozenset(items)) for items in (range(300, 400), range(0, 10), range(60, 70), range(0, 400))
    ]
    assert counts == [0, 1, 2, 2]


def test_the_same_version_on_the_same_items_is_no_new_look() -> None:
    """Given a version that was judged on these items, Then it is the same look; on more items, or another version, in
    another run, it is a new one."""
    known = look(range(100), "a")
    assert same_look([known], frozenset(range(100)), "a", "r2") == known
    assert same_look([known], frozenset(range(101)), "a", "r2") is None
    assert same_look([known], frozenset(range(100)), "b", "r2") is None


def test_a_runs_own_sequence_goes_on_while_it_is_open() -> None:
    """Given a sequence of which all were safe, Then the same run goes on with it, and no other; a closed one is over."""
    items = frozenset(range(100))
    assert same_look([look(range(100), "a", is_open=True)], items, "b", "r1") is not None
    assert same_look([look(range(100), "a", is_open=True)], items, "b", "r2") is None
    assert same_look([look(range(100), "a")], items, "b", "r1") is None


def test_no_item_takes_part_in_looks_of_more_than_five_percent() -> None:
    """Given 200 looks at random sets, Then the levels of all looks that used one item never add up to more than .05."""
    rng = np.random.default_rng(3)
    looks: list[TestSetLook] = []
    for _ in range(200):
        chosen = frozenset(int(item) for item in rng.choice(60, size=rng.integers(5, 40), replace=False))
        looks.append(TestSetLook("model", "r", next_number(looks, chosen), ("v",), chosen, False, NOW))
    for item in range(60):
        assert sum(level_of_look(one.number) for one in looks if item in one.items) <= 0.05
