"""Parts of the test set that may break while the average holds: tested exactly, gated by Holm, the worst one named."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import SliceDrop
from workers.evaluate.proof.groups import Group
from workers.evaluate.proof.stats import at_least, benjamini_hochberg, holm, least_changes, more_than_p

GATE = 0.01
"""Holm's level over all slices; the average's own test has the rest of 5 %."""

QUARTER = 0.25
"""Without labels a part is broken where more than this share of its answers changed for sure: some parts are harder
than others, so that harmless changes gather there."""

MOST_SLICES = 50


@dataclass(frozen=True)
class Slice:
    """`apart` is the log of the chance that so many of all losses fall into a part of this size: how it stands out."""

    facts: SliceDrop
    apart: float
    broken: bool


def labelled_slices(
    groups: Sequence[Group], right_old: NDArray[np.bool_], right_new: NDArray[np.bool_], margin: float
) -> list[Slice]:
    """Whether more than `margin` is lost, for each group; Holm over those in which enough answers changed."""
    lost, gained = right_old & ~right_new, ~right_old & right_new
    counts = [(len(g.members), int(lost[g.members].sum()), int(gained[g.members].sum())) for g in groups]
    p_values = [more_than_p(b, c, n, margin) for n, b, c in counts]
    return _tested(
        groups,
        drops=[(b - c) / n for n, b, c in counts],
        changed=[b + c for _, b, c in counts],
        p_values=p_values,
        bits=[float(b + c) for _, b, c in counts],
        apart=[log_gathered(b, n, int(lost.sum()), len(lost)) for n, b, _ in counts],
        least_drop=margin,
    )


def changed_slices(
    parts: Sequence[tuple[Group, NDArray[np.bool_]]], changed: NDArray[np.bool_], margin: float
) -> list[Slice]:
    """Without labels: a group is broken where more than a quarter of its results changed for sure.

    Each group comes with which of its members changed; `changed` (n,) is of all items.
    """
    share = max(QUARTER, margin)
    counts = [(len(own), int(own.sum())) for _, own in parts]
    return _tested(
        [group for group, _ in parts],
        drops=[count / n for n, count in counts],
        changed=[count for _, count in counts],
        p_values=[at_least(count, n, share) for n, count in counts],
        bits=[-n * math.log2(share) if share < 1 else 0.0 for n, _ in counts],
        apart=[log_gathered(count, n, max(count, int(changed.sum())), len(changed)) for n, count in counts],
        least_drop=share,
    )


def wholly_changed(slices: Sequence[Slice], limit: float) -> list[SliceDrop]:
    """Parts too small to be judged in which half and more changed, and for sure more than `limit` (Bonferroni over all
    parts at `GATE`): a class of three examples that is lost is no .3 %."""
    return [
        part.facts
        for part in slices
        if part.facts.drop >= 0.5 and at_least(part.facts.changed, part.facts.n, limit) * len(slices) <= GATE
    ]


def worst_first(slices: Sequence[Slice]) -> tuple[SliceDrop, ...]:
    """Broken ones first, then by how they stand out from the rest, then by their loss; at most 50."""

    def key(part: Slice) -> tuple[bool, float, float, int]:
        facts = part.facts
        return (not part.broken, part.apart if facts.drop > 0 else 1.0, -facts.drop, -facts.n)

    return tuple(part.facts for part in sorted(slices, key=key)[:MOST_SLICES])


def broken(slices: Sequence[Slice]) -> list[SliceDrop]:
    """The parts that got significantly worse, the clearest first."""
    return [part.facts for part in sorted(slices, key=lambda part: part.apart) if part.broken]


def _tested(
    groups: Sequence[Group],
    drops: Sequence[float],
    changed: Sequence[int],
    p_values: Sequence[float],
    bits: Sequence[float],
    apart: Sequence[float],
    least_drop: float,
) -> list[Slice]:
    """`bits` (k,): −log2 of the smallest p-value that each group could have, which must not depend on its losses."""
    least = least_changes(_testable(bits))
    at = [index for index, most in enumerate(bits) if most >= least]
    gates = dict(zip(at, holm([p_values[i] for i in at]), strict=True))
    shown = benjamini_hochberg(p_values)
    return [
        Slice(
            facts=SliceDrop(
                kind=group.kind,
                name=group.name,
                n=len(group.members),
                drop=drops[i],
                changed=changed[i],
                p_holm=gates.get(i, 1.0),
                p_display=shown[i],
                judged=i in gates,
            ),
            apart=apart[i],
            broken=gates.get(i, 1.0) <= GATE and drops[i] >= least_drop,
        )
        for i, group in enumerate(groups)
    ]


def _testable(bits: Sequence[float]) -> int:
    """K of "under log2(20 K) bits a slice is too few to judge", counting only slices that pass it.

    The smallest K that no more than K slices pass (Tarone 1990, Biometrics 46:515): slices which cannot become
    significant need not be corrected for. With labels each changed answer is a bit, since how many changed says nothing
    about which way they did. Without labels the number of changes is what is tested, so the size of the slice counts:
    a choice by changes called a part broken in 4 % of runs with 40 parts at the limit, in 53 % with 200 small ones.
    """
    count = 1
    while sum(number >= least_changes(count) for number in bits) > count:
        count += 1
    return count


def log_gathered(hits: int, n: int, all_hits: int, everything: int) -> float:
    """log P[at least `hits` of `all_hits` fall into `n` of `everything` items by chance] (hypergeometric)."""
    if hits <= 0 or n >= everything:
        return 0.0
    terms = [
        _log_choose(n, k) + _log_choose(everything - n, all_hits - k)
        for k in range(hits, min(n, all_hits) + 1)
        if all_hits - k <= everything - n
    ]
    top = max(terms)
    return min(0.0, top + math.log(sum(math.exp(t - top) for t in terms)) - _log_choose(everything, all_hits))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
