"""Which items are used and which of them calibrate: stratified by label, seeded by content, stable.

Both choices depend on digests alone: the same files give the same split on every machine, whatever their order.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence

CALIBRATION_PART = 5
"""One item in five calibrates, at most; a quarter is the limit, and the test set is what a proof needs."""


def calibration_size(items: int, most: int) -> int:
    """How many of `items` calibrate: a fifth, at most `most`; none of fewer than five."""
    return min(most, items // CALIBRATION_PART)


def quotas(counts: dict[Hashable, int], total: int) -> dict[Hashable, int]:
    """`total` places shared out in proportion to `counts` (largest remainders; ties go to the larger group)."""
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
    """At most `most` indices, in proportion to their groups, those with the smallest keys of each group.

    `keys(i)` is asked only if there are more than `most`.
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
    """Tells calibration items from test items one by one, in the order in which they come.

    The first items of each group calibrate until its quota is full; an item that proves unreadable is never asked
    about, so that the next of its group takes its place.
    """

    def __init__(self, groups: Sequence[Hashable], calibration: int) -> None:
        self._left = Counter(quotas(Counter(groups), calibration))

    def calibrates(self, group: Hashable) -> bool:
        """Whether the next item of this group is for calibration."""
        if self._left[group] <= 0:
            return False
        self._left[group] -= 1
        return True
