"""Every kind of result in the zoo of harm: what is destroyed is never safe, what nobody notices is never regressed."""

from collections import Counter

import pytest
from zoo import Zoo, all_zoos, judged

ZOOS = all_zoos()
LIMITS_PCT = {300: 2.0, 1000: 1.0}
"""300 items prove 2 % at best, 1,000 prove 1 %."""

TRULY_CHANGED = 0.001
FULL = 100


def ways(kind: str) -> list[object]:
    return [pytest.param(zoo, how, id=f"{zoo.name}: {how}") for zoo in ZOOS.values() for how in getattr(zoo, kind)]


@pytest.mark.parametrize("zoo", ZOOS.values(), ids=list(ZOOS))
def test_there_are_enough_ways(zoo: Zoo) -> None:
    """Given a kind of result, Then there are at least six ways to destroy it and six that nobody notices."""
    assert len(zoo.harm) >= 6 and len(zoo.harmless) >= 6


@pytest.mark.parametrize(("zoo", "how"), ways("harm"))
def test_destroyed_is_not_safe(zoo: Zoo, how: str) -> None:
    """Given what a person would miss, Then it is judged as this kind of result and not safe."""
    found = judged(zoo, zoo.harm[how], 300, 1, LIMITS_PCT[300])
    assert found.task == zoo.task and found.verdict != "safe", (found.verdict, found.changed_count)


@pytest.mark.parametrize(("zoo", "how"), ways("harmless"))
def test_harmless_is_safe(zoo: Zoo, how: str) -> None:
    """Given what nobody notices and .1 % of the items truly changed, Then 1,000 items prove it."""
    found = judged(zoo, zoo.harmless[how], 1000, 1, LIMITS_PCT[1000], TRULY_CHANGED)
    assert (found.task, found.verdict) == (zoo.task, "safe"), found.changed_count


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("n", LIMITS_PCT)
@pytest.mark.parametrize(("zoo", "how"), ways("harm"))
def test_destroyed_is_never_safe_in_full(zoo: Zoo, how: str, n: int) -> None:
    """Given 100 draws, Then none is safe."""
    verdicts = Counter(judged(zoo, zoo.harm[how], n, seed, LIMITS_PCT[n]).verdict for seed in range(FULL))
    assert verdicts["safe"] == 0, verdicts


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("n", LIMITS_PCT)
@pytest.mark.parametrize(("zoo", "how"), ways("harmless"))
def test_harmless_is_never_regressed_in_full(zoo: Zoo, how: str, n: int) -> None:
    """Given 100 draws of which .1 % truly changed, Then none is regressed, and at 1,000 at least 95 are safe."""
    verdicts = Counter(
        judged(zoo, zoo.harmless[how], n, seed, LIMITS_PCT[n], TRULY_CHANGED).verdict for seed in range(FULL)
    )
    assert verdicts["regressed"] == 0, verdicts
    assert n < 1000 or verdicts["safe"] >= 95, verdicts
