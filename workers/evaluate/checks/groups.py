"""Join pairs of equal items to groups."""

from collections import defaultdict
from collections.abc import Iterable, Sequence


def joined(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the groups of two or more numbers that pairs link, each sorted, ordered by their smallest number."""
    parent: dict[int, int] = {}

    def top(number: int) -> int:
        while parent.setdefault(number, number) != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for first, second in pairs:
        low, high = sorted((top(first), top(second)))
        parent[high] = low
    groups: dict[int, list[int]] = defaultdict(list)
    for number in parent:
        groups[top(number)].append(number)
    return sorted(sorted(group) for group in groups.values())


def same_digest(digests: Sequence[bytes]) -> list[list[int]]:
    """Return the groups of two or more positions with the same digest."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for number, value in enumerate(digests):
        groups[value].append(number)
    return [group for group in groups.values() if len(group) > 1]
