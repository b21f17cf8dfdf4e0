"""Parts of the test set that may break while the average holds: one slice a class."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import SliceDrop
from workers.evaluate.stats import benjamini_hochberg, holm, least_changes, mcnemar_p

GATE = 0.01
"""Holm's level over all slices. The average's own test errs in up to 5 % of harmless variants; with .05 here, too, both
gates together would err in 6 % (simulated), and with .01 they stay under 5 %."""


def labelled_slices(
    groups: Sequence[str], right_old: NDArray[np.bool_], right_new: NDArray[np.bool_]
) -> list[SliceDrop]:
    """One row for each different group: exact McNemar, by Holm and by Benjamini-Hochberg over all of them."""
    members = _members(groups)
    counts = []
    for indices in members.values():
        old, new = right_old[indices], right_new[indices]
        counts.append((len(indices), int((old & ~new).sum()), int((~old & new).sum())))
    p_values = [mcnemar_p(b, c) for _, b, c in counts]
    least = least_changes(len(counts))
    return [
        SliceDrop(name=name, n=n, drop=(b - c) / n, changed=b + c, p_holm=gate, p_display=shown, judged=b + c >= least)
        for name, (n, b, c), gate, shown in zip(
            members, counts, holm(p_values), benjamini_hochberg(p_values), strict=True
        )
    ]


def unlabelled_slices(groups: Sequence[str], changed: NDArray[np.bool_]) -> list[SliceDrop]:
    """The share of changed answers in each group: to look at, never a gate."""
    rows = []
    for name, indices in _members(groups).items():
        count = int(changed[indices].sum())
        rows.append(SliceDrop(name=name, n=len(indices), drop=count / len(indices), changed=count))
    return rows


def broken(slices: Sequence[SliceDrop], margin: float) -> list[SliceDrop]:
    """Slices that are significantly worse after Holm, by at least the margin."""
    return [part for part in slices if part.p_holm is not None and part.p_holm <= GATE and part.drop >= margin]


def _members(groups: Sequence[str]) -> dict[str, list[int]]:
    members: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(groups):
        members[name].append(index)
    return members
