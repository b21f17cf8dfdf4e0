"""Split a test set into parts that are judged separately: by class, by measured facts and by the person's columns."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.contracts.translation import _, mark
from workers.evaluate.data.dataset import Item
from workers.evaluate.data.tables import finite_number

FIFTH = 0.2
LEAST_ITEMS = 20
"""In smaller sets the extremes are single items."""

MOST_VALUES = 20
MOST_COLUMNS = 10

ENDS = {
    "brightness": ("brightness", mark("dark pictures"), mark("bright pictures")),
    "sharpness": ("blur", mark("blurred pictures"), mark("sharp pictures")),
    "pixels": ("size", mark("small pictures"), mark("large pictures")),
    "characters": ("length", mark("short texts"), mark("long texts")),
    "seconds": ("length", mark("short recordings"), mark("long recordings")),
    "loudness": ("loudness", mark("quiet recordings"), mark("loud recordings")),
}
"""Maps a fact to the kind of slice and to the names of its lowest and its highest fifth."""


@dataclass(frozen=True)
class Group:
    """A part of a list of items.

    Attributes:
        kind: Kind of the part, for example "class" or "column".
        name: Name for people.
        members: Positions (k,) of its items in the list that was split.
    """

    kind: str
    name: str
    members: NDArray[np.int64]


def groups_of(items: Sequence[Item], classes: Sequence[str] | None) -> list[Group]:
    """Return all groups of `items`, each set of members once.

    A group with more than half of the items (ties, a column with one value) carries no information and is left out.
    Exceptions are classes and values of a column, since there may be only two of them.

    Args:
        items: The items to split.
        classes: Name of the class of each item; None if there are no classes.
    """
    found: dict[bytes, Group] = {}
    half = len(items) / 2
    if classes is not None:
        for group in _by_value("class", classes):
            found[group.members.tobytes()] = group
    for group in (*_measured(items), *_scripts(items), *_columns(items)):
        if 0 < len(group.members) <= half or (group.kind == "column" and len(group.members) < len(items)):
            found.setdefault(group.members.tobytes(), group)
    return list(found.values())


def _by_value(kind: str, values: Sequence[str], words: str = "") -> Iterator[Group]:
    members: dict[str, list[int]] = defaultdict(list)
    for index, value in enumerate(values):
        members[value].append(index)
    for value, indices in members.items():
        if value:
            yield Group(kind, words.format(value) if words else value, np.asarray(indices, np.int64))


def _measured(items: Sequence[Item]) -> Iterator[Group]:
    for fact, (kind, low, high) in ENDS.items():
        values = [item.facts.get(fact) for item in items]
        yield from _fifths(kind, low, high, [float(v) if isinstance(v, int | float) else None for v in values])


def _fifths(kind: str, low: str, high: str, values: Sequence[float | None]) -> Iterator[Group]:
    at = np.asarray([index for index, value in enumerate(values) if value is not None], np.int64)
    known = np.asarray([value for value in values if value is not None], np.float64)
    if len(known) < LEAST_ITEMS or not np.isfinite(known).all() or known.min() == known.max():
        return
    below, above = np.quantile(known, FIFTH, method="lower"), np.quantile(known, 1 - FIFTH, method="higher")
    # Many items with the same value form the middle, not an end.
    lowest, highest = known <= below, known >= above
    yield Group(kind, _(low), at[lowest if 2 * lowest.sum() <= len(known) else known < below])
    yield Group(kind, _(high), at[highest if 2 * highest.sum() <= len(known) else known > above])


def _scripts(items: Sequence[Item]) -> Iterator[Group]:
    scripts = [str(item.facts.get("script", "")) for item in items]
    if len(set(filter(None, scripts))) > 1:
        yield from _by_value("language", scripts, _("texts in {0} letters"))


def _columns(items: Sequence[Item]) -> Iterator[Group]:
    """Yield groups by the person's columns.

    A column with few values gives one group for each value. A column with many numbers gives its lowest and highest
    fifth. A column with many words gives no group.
    """
    names = list(dict.fromkeys(name for item in items for name in item.columns))
    for name in names[:MOST_COLUMNS]:
        values = [item.columns.get(name, "").strip() for item in items]
        different = set(filter(None, values))
        if 1 < len(different) <= MOST_VALUES:
            yield from _by_value("column", [f"{name}: {value}" if value else "" for value in values])
            continue
        numbers = [finite_number(value) for value in values]
        if different and sum(number is not None for number in numbers) == sum(map(bool, values)):
            yield from _fifths("column", _("low “{0}”").format(name), _("high “{0}”").format(name), numbers)
