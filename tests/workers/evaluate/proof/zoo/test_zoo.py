"""Every kind of result in the zoo: harmful changes are never safe, harmless ones never regressed."""

import functools
from collections import Counter, defaultdict

import pytest
from zoo import Drawn, Zoo, all_zoos, draw

ZOOS = all_zoos()
LIMITS_PCT = {300: 2.0, 1000: 1.0}
"""300 items prove 2 % at best, 1,000 prove 1 %."""
FEW, FEW_PCT = 400, 2.0
"""Of what takes long to compare: with one item changed they still prove 2 %. `test_zoo_in_full` takes all."""
LONG = ("boxes", "masks of three classes", "map of a text detector", "pictures", "translations that are known")

TRULY_CHANGED = 0.001
FULL = 100


def changes(kind: str) -> list[object]:
    return [pytest.param(zoo, how, id=f"{zoo.name}: {how}") for zoo in ZOOS.values() for how in getattr(zoo, kind)]


@pytest.mark.parametrize("zoo", ZOOS.values(), ids=list(ZOOS))
def test_zoo_has_enough_changes(zoo: Zoo) -> None:
    """Given a kind of result, Then there are at least six harmful and six harmless changes."""
    assert len(zoo.harm) >= 6 and len(zoo.harmless) >= 6


@functools.cache
def drawn(zoo: str, n: int) -> Drawn:
    """The originals of the small run, which all changes share."""
    return draw(ZOOS[zoo], n, 1)


@pytest.mark.parametrize(("zoo", "how"), changes("harm"))
def test_destroyed_is_not_safe(zoo: Zoo, how: str) -> None:
    """Given a change that a person would notice, Then it is judged as this kind of result and not safe."""
    found = drawn(zoo.name, 300).judged(how, LIMITS_PCT[300])
    assert found.task == zoo.task and found.verdict != "safe", (found.verdict, found.changed_count)


@pytest.mark.parametrize(("zoo", "how"), changes("harmless"))
def test_harmless_is_safe(zoo: Zoo, how: str) -> None:
    """Given a harmless change and .1 % of the items truly changed, Then 1,000 items prove it, or 400 a larger limit."""
    n, limit_pct = (FEW, FEW_PCT) if zoo.name.startswith(LONG) else (1000, LIMITS_PCT[1000])
    found = drawn(zoo.name, n).judged(how, limit_pct, TRULY_CHANGED)
    assert (found.task, found.verdict) == (zoo.task, "safe"), found.changed_count


@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
@pytest.mark.parametrize("n", LIMITS_PCT)
@pytest.mark.parametrize("zoo", ZOOS.values(), ids=list(ZOOS))
def test_zoo_in_full(zoo: Zoo, n: int) -> None:
    """Given 100 draws, Then nothing destroyed is safe in any, nothing harmless of which .1 % truly changed regressed in
    any, and at 1,000 at least 95 are safe."""
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    for seed in range(FULL):
        originals = draw(zoo, n, seed)
        for how in zoo.harm:
            verdicts[how][originals.judged(how, LIMITS_PCT[n]).verdict] += 1
        for how in zoo.harmless:
            verdicts[how][originals.judged(how, LIMITS_PCT[n], TRULY_CHANGED).verdict] += 1
    assert not {how: verdicts[how] for how in zoo.harm if verdicts[how]["safe"]}
    assert not {how: verdicts[how] for how in zoo.harmless if verdicts[how]["regressed"]}
    assert n < 1000 or not {how: verdicts[how] for how in zoo.harmless if verdicts[how]["safe"] < 95}
