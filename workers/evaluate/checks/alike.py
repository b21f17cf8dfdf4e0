"""Find items that are equal or nearly equal, computed once for several checks."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from workers.contracts.process.context import JobContext
from workers.evaluate.checks.base import Material
from workers.evaluate.checks.near_pictures import near_pairs
from workers.evaluate.checks.near_texts import near_texts

KEPT = "alike"


Groups = list[list[int]]
Alike = tuple[Groups, Groups, bool]
"""Positions of items with equal content; with equal or nearly equal content; and whether near equality is defined for
this kind of data (it is not for arrays and sounds).
"""


def alike(material: Material, ctx: JobContext) -> Alike:
    """Return the groups over all sets together, computed on first use."""
    if KEPT not in material.kept:
        material.kept[KEPT] = _look(material, ctx)
    found: Alike = material.kept[KEPT]
    return found


def _look(material: Material, ctx: JobContext) -> Alike:
    exact = same_digest(material.digests)
    surplus = {number for group in exact for number in group[1:]}
    single = np.asarray([i for i in range(len(material.entries)) if i not in surplus], np.intp)
    pairs = _near(material, single, ctx)
    links = [(group[0], other) for group in exact for other in group[1:]]
    everything = joined([*links, *((int(single[i]), int(single[j])) for i, j in pairs or ())])
    return exact, everything, pairs is not None


def _near(material: Material, single: NDArray[np.intp], ctx: JobContext) -> list[tuple[int, int]] | None:
    if material.pictures is not None:
        small, hashes = material.pictures
        return near_pairs(small[single], hashes[single], ctx)
    if material.kind == "texts":
        return near_texts([material.entries[i].text or "" for i in single], ctx)
    return None


def joined(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the groups of two or more numbers that pairs link, each sorted, ordered by their smallest number."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    linked = np.asarray(list(pairs), np.intp).reshape(-1, 2)
    if not len(linked):
        return []
    numbers, places = np.unique(linked.ravel(), return_inverse=True)
    graph = coo_array((np.ones(len(linked)), places.reshape(-1, 2).T), shape=(len(numbers), len(numbers)))
    groups: dict[int, list[int]] = defaultdict(list)
    for number, group in zip(numbers.tolist(), connected_components(graph, directed=False)[1].tolist(), strict=True):
        groups[group].append(number)
    return sorted(groups.values())


def same_digest(digests: Sequence[bytes]) -> list[list[int]]:
    """Return the groups of two or more positions with the same digest."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for number, value in enumerate(digests):
        groups[value].append(number)
    return [group for group in groups.values() if len(group) > 1]
