"""Which parts of a test set are called broken, and which one is named."""

import math

import numpy as np
import pytest
from scipy import stats as oracle

from workers.evaluate.proof.groups import Group
from workers.evaluate.proof.slices import (
    QUARTER,
    broken,
    changed_slices,
    labelled_slices,
    log_gathered,
    wholly_changed,
    worst_first,
)


def groups(*members: range) -> list[Group]:
    return [Group("class", f"part {i}", np.asarray(m)) for i, m in enumerate(members)]


def rights(n: int, lost: range, gained: range = range(0)) -> tuple[np.ndarray, np.ndarray]:
    old, new = np.ones(n, bool), np.ones(n, bool)
    new[list(lost)] = False
    old[list(gained)] = False
    return old, new


def test_exact_mcnemar_and_holm() -> None:
    """Given 12 lost of one part, 6 of another and no loss allowed, then both p-values are the binomial test's, corrected for two."""
    old, new = rights(300, range(12))
    new[100:106] = False
    parts = groups(range(100), range(100, 200), range(200, 300))
    found = {facts.name: facts for facts, _, _ in labelled_slices(parts, old, new, 0.0)}
    exact = oracle.binomtest(12, 12, 0.5, alternative="greater").pvalue
    assert found["part 0"].p_holm == pytest.approx(exact * 2)
    assert found["part 1"].judged and not found["part 2"].judged
    assert [part.name for part in broken(labelled_slices(parts, old, new, 0.0))] == ["part 0"]


def test_slices_with_few_changes_are_not_judged() -> None:
    """Given one part of five changed answers, then it is judged; of four it is not; the number of still parts is free."""
    still = [range(100 + 10 * i, 110 + 10 * i) for i in range(40)]
    for count, judged in ((4, False), (5, True)):
        old, new = rights(500, range(count))
        found = labelled_slices(groups(range(100), *still), old, new, 0.01)
        assert found[0][0].judged is judged


def test_slice_that_stands_out_comes_first() -> None:
    """Given losses in a small part within a large one, then the small one comes first although the large one lost more."""
    old, new = rights(1000, range(40))
    new[500:505] = False
    parts = groups(range(50), range(900), range(900, 1000))
    order = worst_first(labelled_slices(parts, old, new, 0.01))
    assert order[0].name == "part 0" and order[0].drop == pytest.approx(0.8)


def test_log_gathered_is_the_hypergeometric_tail() -> None:
    """Given counts, then the logarithm is scipy's."""
    for hits, n, total, everything in ((3, 10, 7, 40), (0, 5, 5, 50), (20, 100, 30, 900), (5, 5, 5, 5)):
        exact = oracle.hypergeom.sf(hits - 1, everything, total, n)
        assert log_gathered(hits, n, total, everything) == pytest.approx(math.log(exact), abs=1e-9)


def test_without_labels_only_a_large_share_is_broken() -> None:
    """Given no labels, then a part with half of its answers changed is broken, one with a tenth is not."""
    changed = np.zeros(1000, bool)
    changed[:50] = True
    changed[100:110] = True
    parts = groups(range(100), range(100, 200), range(200, 1000))
    found = changed_slices([(part, changed[part.members]) for part in parts], changed, 0.01)
    assert [part.name for part in broken(found)] == ["part 0"]


@pytest.mark.whole
def test_harmless_changes_break_no_part() -> None:
    """Given 400 sets with forty overlapping parts in which as many are lost as gained, then at most 1 % break one."""
    rng = np.random.default_rng(11)
    alarms = 0
    for _ in range(400):
        parts = [Group("x", str(i), np.flatnonzero(rng.random(600) < 0.1)) for i in range(40)]
        change = rng.random(600) < 0.1
        better = rng.random(600) < 0.5
        old, new = ~(change & better), ~(change & ~better)
        alarms += bool(broken(labelled_slices(parts, old, new, 0.01)))
    assert alarms <= 9  # 4 expected at most, and chance


def test_lost_part_of_three_is_not_safe() -> None:
    """Given three of three results of a rare part that changed, Then it stands out of a limit of 1 %, and one of one, or
    one of three, does not."""
    changed = np.zeros(1000, np.bool_)
    changed[:3] = True
    rare, rest = Group("class", "rare", np.arange(3)), Group("class", "other", np.arange(3, 1000))

    def found(*parts: tuple[Group, np.ndarray]) -> list[str]:
        return [part.name for part in wholly_changed(changed_slices(parts, changed, 0.01), 0.01, 3, 1000)]

    assert found((rare, changed[:3]), (rest, changed[3:])) == ["rare"]
    assert found((rare, np.array([True, False, False])), (rest, changed[3:])) == []
    assert found((Group("class", "one", np.arange(1)), changed[:1]), (rest, changed[3:])) == []


@pytest.mark.parametrize(("size", "others", "found"), [(2, 0, True), (3, 5, True), (2, 10, False)])
def test_small_lost_class_is_found_where_little_else_changed(size: int, others: int, found: bool) -> None:
    """Given a class of two or three among fifty that is lost, at a limit of 5 %, Then it stands out of the few others
    that changed, and a pair does not stand out of ten."""
    classes = np.concatenate([np.zeros(size, int), 1 + np.arange(500 - size) % 49])
    changed = np.arange(500) < size + others
    parts = [Group("class", str(kind), np.flatnonzero(classes == kind)) for kind in range(50)]
    slices = changed_slices([(part, changed[part.members]) for part in parts], changed, 0.05)
    lost = [part.name for part in wholly_changed(slices, 0.05, size + others, 500)]
    assert lost == (["0"] if found else [])


def test_small_classes_of_honest_versions_are_rarely_called_lost() -> None:
    """Given 200 classes, many of one to three examples, and 1 % of 1,000 results that changed anywhere, Then at most 1 %
    of 300 runs call one lost at a limit of 5 %."""
    rng, alarms = np.random.default_rng(12), 0
    often = 1 / np.arange(1, 201)
    for _ in range(300):
        classes, changed = rng.choice(200, 1000, p=often / often.sum()), rng.random(1000) < 0.01
        parts = [Group("class", str(kind), np.flatnonzero(classes == kind)) for kind in np.unique(classes).tolist()]
        slices = changed_slices([(part, changed[part.members]) for part in parts], changed, 0.05)
        alarms += bool(wholly_changed(slices, 0.05, int(changed.sum()), 1000))
    assert alarms <= 3


@pytest.mark.parametrize(("parts", "size"), [(40, 20), (200, 8), (200, 20)])
def test_parts_at_the_limit_are_rarely_called_broken(parts: int, size: int) -> None:
    """Given many parts without labels that changed by just the quarter that is allowed, then at most 1 % of 200 runs
    call one broken (chance allowed)."""
    rng = np.random.default_rng(parts + size)
    slices, alarms = groups(*(range(at, at + size) for at in range(0, parts * size, size))), 0
    for _ in range(200):
        changed = rng.random(parts * size) < QUARTER
        alarms += bool(broken(changed_slices([(part, changed[part.members]) for part in slices], changed, 0.01)))
    assert alarms <= 7  # 2 expected at most, and three standard errors
