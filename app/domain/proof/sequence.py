"""Order the versions of a proof as a fixed sequence, and determine where it ends.

Every version judged on the same items is a chance to be wrong. Of ten versions that lose what the limit allows, one is
called safe in a third of all runs. A fixed sequence (Learn then Test, arXiv 2110.01052, section 4.2; Maurer, Hothorn
and Lehmacher 1995) errs no more often than a single test. Its order is set before any test item is looked at. Each
version is tested at the full level, and the first that is not safe ends the sequence. Versions are ordered by their
changes on the calibration set.

A version that is no better than one before it (within 3 %) waits behind that one. If that one is safe, it is not
needed. Where a version is not safe, all that is left and needed is tested as a further look at the items
(`TestSetUsage`), at the level of that look, so that the levels of all looks still add up to at most 5 %. If the items
are too few to prove anything, every version is judged, since none can be called safe.
"""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.choose import FEWER, Objective, cost_of, exactness, is_as_good, is_gain, is_safe
from app.domain.fleet import AS_FOR
from app.domain.proof.examples import least_to_prove
from app.domain.variant import Screening, Untested, Variant


@dataclass(frozen=True)
class Step:
    """One version of the sequence, and the `waiting` versions: changed more or less exact, and no better."""

    version: Variant
    waiting: tuple[Variant, ...] = ()


@dataclass(frozen=True)
class ProofOrder:
    """The steps of a fixed sequence in the order of their tests; made for each proof."""

    steps: tuple[Step, ...]

    @property
    def tested(self) -> tuple[Variant, ...]:
        """Return the versions of the sequence in the order of their tests."""
        return tuple(step.version for step in self.steps)

    @property
    def dominated(self) -> tuple[Variant, ...]:
        """Return the versions that are no better than one before them."""
        return tuple(version for step in self.steps for version in step.waiting)

    @property
    def versions(self) -> tuple[Variant, ...]:
        """Return all versions: the sequence first, then those that wait."""
        return (*self.tested, *self.dominated)

    def for_others(self, objective: Objective) -> tuple[Variant, ...]:
        """Return the best version of each runtime absent from the sequence, and those planned for other computers.

        Some targets accept only that runtime, and one version for all computers must be proven on each.
        """
        found = {one.recipe.id: one for one in self.dominated if one.recipe.id.startswith(AS_FOR)}
        engines = {version.runtime for version in self.tested}
        for version in sorted(self.dominated, key=lambda version: cost_of(version, objective)):
            if version.runtime not in engines:
                found.setdefault(version.runtime, version)
        return tuple(found.values())


def sequence_of(versions: Sequence[Variant], objective: Objective) -> ProofOrder:
    """Order the gains into a fixed sequence without using any test item.

    They are sorted by the share that changed on the calibration set, then by exactness of numbers, then by speed. Among
    versions as good within 3 % the more careful one comes first, since measuring noise decides nothing. Without
    calibration items, exactness decides, then the planned order. Versions that the calibration set refuses are left
    out.
    """
    gains = [v for v in versions if not v.is_baseline and v.state != "dropped" and is_gain(v, objective)]
    gains = [v for v in gains if v.screening is None or not v.screening.regressed]
    gains.sort(key=lambda version: _place(version, objective))
    steps: list[Step] = []
    for version in _careful_first(gains, objective):
        if not steps or not is_as_good(steps[-1].version, version, objective):
            steps.append(Step(version))
        else:
            steps[-1] = Step(steps[-1].version, (*steps[-1].waiting, version))
    return ProofOrder(tuple(steps))


def _place(version: Variant, objective: Objective) -> tuple[float, tuple[int, int], float, int]:
    screening = version.screening or Screening()
    return *_group(version), cost_of(version, objective) if screening.n else 0.0, version.index


def _group(version: Variant) -> tuple[float, tuple[int, int]]:
    return (version.screening or Screening()).share, _exactness(version)


def _careful_first(ordered: Sequence[Variant], objective: Objective) -> list[Variant]:
    """Reorder neighbors of one share and exactness that are as good as the best of them within 3 %."""
    rest, found = list(ordered), list[Variant]()
    while rest:
        first = rest[0]
        tied = [v for v in rest if _group(v) == _group(first) and is_as_good(v, first, objective)]
        tied = tied if (first.screening or Screening()).n else [first]
        found += sorted(tied, key=_carefulness)
        rest = [v for v in rest if v not in tied]
    return found


def _carefulness(version: Variant) -> tuple[float, int, int]:
    """Return a sort key, smaller for more careful: closer calibration results, then more bytes (more layers kept)."""
    screening = version.screening or Screening()
    return -screening.similarity, -(version.size_bytes or 0), version.index


def _exactness(version: Variant) -> tuple[int, int]:
    """Return a sort key, smaller for more exact: 32 bits, 16 bits, then more bits before fewer; unknown ones last."""
    bits = [int(number) for number in re.findall(r"\d+", version.precision)]
    kind = exactness(version)
    return kind, -min(bits, default=0) if kind == FEWER else 0


def has_safe_rival(version: Variant, versions: Sequence[Variant], objective: Objective) -> bool:
    """Return whether a safe gain is as good as this version, so that testing it would change nothing."""
    return any(is_safe(one) and is_gain(one, objective) and is_as_good(one, version, objective) for one in versions)


def can_prove(items: int, limit_pct: float, level: float) -> bool:
    """Return whether `items` unchanged items prove the limit.

    This is known before any item is looked at. If they cannot, no version can be called safe, so all may be judged.
    """
    needed = least_to_prove(limit_pct, level)
    return needed is not None and items >= needed


def capped(version: Variant) -> Variant:
    """Return a version after the end of the sequence with its figures, but without a proof."""
    if not is_safe(version) or version.judgement is None:
        return version
    judgement = version.judgement.model_copy(update={"verdict": "not_enough_data"})
    return dataclasses.replace(version, judgement=judgement)


def not_tested(version: Variant, why: Untested) -> Variant:
    """Return the version without a verdict of this sequence, with the reason; an earlier verdict proves nothing."""
    screening = (version.screening or Screening()).model_copy(update={"untested": why})
    return dataclasses.replace(capped(version), screening=screening)
