"""Count looks at test items, so that each later look has to prove more.

Repeating looks until one is safe would err more often than stated. One look is one sequence of versions judged on the
same items. The first look at an item has level .04, the k-th later one .01·6/(π²k²) (`level_of_look`). Looks are
counted by item; the number of a set is the highest number of any of its items. All looks that used one item thus have
at most the levels of a first, second, third … look. These add up to .05 (Bonferroni over a convergent series). For
every item the chance that any of its verdicts is wrong stays below 5 %, however the sets overlap.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from app.domain.record import Moment, Stored
from app.domain.variant import Variant


@dataclass(frozen=True)
class TestSetLook(Stored):
    """One look at test items; owned by the database. `number` 0 is the first.

    `items` are the low 64 bits of the digests of the model's inputs (`feeds_digest`). `versions` are keys of the judged
    versions (`version_key`). `is_open` is true if all of them were safe, so that the sequence may continue.
    """

    model_sha256: str
    run_id: str
    number: int
    versions: tuple[str, ...]
    items: frozenset[int]
    is_open: bool
    at: Moment


def version_key(version: Variant) -> str:
    """Return the key of what predicts: the model, its runtime and its settings."""
    settings = ",".join(f"{name}={value!r}" for name, value in sorted(version.recipe.settings.items()))
    return f"{version.artifact_key}|{version.runtime}|{settings}"


def same_look(looks: Iterable[TestSetLook], items: frozenset[int], version: str, run_id: str) -> TestSetLook | None:
    """Return the existing look that a verdict belongs to, None for a new one.

    The same version on the same items is no new look. An open sequence of a run continues at its level, because its
    next version was chosen without the test items.
    """
    there = [look for look in looks if look.items == items]
    again = next((look for look in there if version in look.versions), None)
    return again or next((look for look in there if look.run_id == run_id and look.is_open), None)


def next_number(looks: Iterable[TestSetLook], items: frozenset[int]) -> int:
    """Return how many looks came before a new one at these items."""
    seen: Counter[int] = Counter()
    for look in looks:
        seen.update(look.items & items)
    return max(seen.values(), default=0)
