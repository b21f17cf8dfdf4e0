"""Choose which items are used and which of them calibrate: stratified by label, seeded by content, reproducible.

Both choices depend on digests alone. The same files give the same split on every machine, in any order.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence

CALIBRATION_PART = 5
"""At most one item in five calibrates. A quarter is the upper limit, because a proof needs the test set."""


def calibration_size(items: int, most: int) -> int:
    """Return how many of `items` calibrate: a fifth, at most `most`; none if there are fewer than five."""
    return min(most, items // CALIBRATION_PART)


def quotas(counts: dict[Hashable, int], total: int) -> dict[Hashable, int]:
    """Distribute `total` places in proportion to `counts` (largest remainders; ties go to the larger group)."""
    everything = sum(counts.values())
    if total >= everything:
        return dict(counts)
    exact = {key: count * total / everything for key, count in counts.items()}
    shares = {key: int(value) for key, value in exact.items()}
    order = sorted(counts, key=lambda key: (shares[key] - exact[key], -counts[key], str(key)))
    for key in order[: total - sum(shares.values())]:
        shares[key] += 1
    return shares


def choose(groups: Sequence[Hashable], keys: Callable[[int], bytes], most: int) -> list[int]:
    """Return at most `most` indices, in proportion to their groups, with the smallest keys of each group.

    `keys(i)` is called only if there are more than `most` items.
    """
    if len(groups) <= most:
        return list(range(len(groups)))
    members: dict[Hashable, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    shares = quotas({group: len(indices) for group, indices in members.items()}, most)
    chosen = [i for group, indices in members.items() for i in sorted(indices, key=keys)[: shares[group]]]
    return sorted(chosen)


class Splitter:
    """Assigns items to the calibration set or the test set, one by one. One pass over the data owns one instance.

    The first items of each group calibrate until its quota is full. The splitter never sees unreadable items, so the
    next item of the group takes their place.
    """

    def __init__(self, groups: Sequence[Hashable], calibration: int) -> None:
        """Create a splitter that assigns `calibration` of the items to calibration; `groups` has one entry per item."""
        self._left = Counter(quotas(Counter(groups), calibration))

    def calibrates(self, group: Hashable) -> bool:
        """Return whether the next item of this group is for calibration."""
        if self._left[group] <= 0:
            return False
        self._left[group] -= 1
        return True
