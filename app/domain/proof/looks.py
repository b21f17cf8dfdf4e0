"""Looks at test items: whoever may look again until it says safe errs more often than told, so each later look has to
prove more.

One look is one sequence of versions that is judged on the same items. The first look at some items has level .04, the
k-th later one .01·6/(π²k²) (`level_of_look`). Counted by item is how many came before:
a set of items has as many as that of its items which was looked at most. So all looks that used one item have, in
their order, at most the levels of a first, second, third … look, which add up to .05 (Bonferroni over a convergent
series): for every item the chance that any verdict it took part in is wrong stays below 5 %, however the sets overlap.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import AwareDatetime

from app.domain.record import Stored
from app.domain.variant import Variant


@dataclass(frozen=True)
class Look(Stored):
    """`number` 0 is the first. `items` are the low 64 bits of the digests of what the model gets (`feeds_digest`).

    `versions` are keys of those that were judged (`version_key`). `is_open`: all of them were safe, so that the
    sequence may go on.
    """

    model_sha256: str
    run_id: str
    number: int
    versions: tuple[str, ...]
    items: frozenset[int]
    is_open: bool
    at: AwareDatetime


def version_key(version: Variant) -> str:
    """What answers: the model, what runs it, and how."""
    settings = ",".join(f"{name}={value!r}" for name, value in sorted(version.recipe.settings.items()))
    return f"{version.artifact_key}|{version.runtime}|{settings}"


def same_look(looks: Iterable[Look], items: frozenset[int], version: str, run_id: str) -> Look | None:
    """The look that this is: the same version on the same items again is no new one, and a run's sequence that was not
    ended goes on at its level, since what comes next in it was chosen without the test items.
    """
    there = [look for look in looks if look.items == items]
    again = next((look for look in there if version in look.versions), None)
    return again or next((look for look in there if look.run_id == run_id and look.is_open), None)


def next_number(looks: Iterable[Look], items: frozenset[int]) -> int:
    """How many looks came before a new one at these items."""
    seen: Counter[int] = Counter()
    for look in looks:
        seen.update(look.items & items)
    return max(seen.values(), default=0)
