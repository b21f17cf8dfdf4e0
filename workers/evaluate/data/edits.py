"""Apply a person's manual changes to a data set: items left out, relabeled or moved to the other part.

The files themselves stay unchanged.
"""

from collections.abc import Mapping
from dataclasses import replace

from workers.contracts.errors import InputRefused
from workers.contracts.specs import Finding
from workers.evaluate.data.base import Collection


def edited(
    collection: Collection,
    left_out: tuple[str, ...] = (),
    relabeled: Mapping[str, str] | None = None,
    moved: Mapping[str, str] | None = None,
) -> Collection:
    """Return the collection with the person's changes, and with findings that report them.

    Raises:
        InputRefused: If no item is left.
    """
    return _told_of_moves(_relabeled(_without(collection, left_out), relabeled or {}), moved or {})


def _without(collection: Collection, left_out: tuple[str, ...]) -> Collection:
    left = set(left_out)
    entries = [entry for entry in collection.entries if entry.source not in left]
    missing = tuple(name for name in collection.missing if name not in left)
    count = len(collection.entries) + len(collection.missing) - len(entries) - len(missing)
    if not count:
        return collection
    if not entries:
        raise InputRefused(
            "nothing_left",
            "Nothing is left",
            "All items were left out.",
            "Put some of them back, or choose other data.",
        )
    what = f"{count:,} items are left out as you wished." if count > 1 else "1 item is left out as you wished."
    return replace(_with(collection, what), entries=entries, missing=missing)


def _relabeled(collection: Collection, relabeled: Mapping[str, str]) -> Collection:
    """Replace all labels of an entry by its new label."""
    count = sum(entry.source in relabeled for entry in collection.entries)
    if not count:
        return collection
    entries = [
        replace(entry, labels=(relabeled[entry.source],)) if entry.source in relabeled else entry
        for entry in collection.entries
    ]
    what = (
        f"{count:,} items have other labels, as you wished." if count > 1 else "1 item has another label as you wished."
    )
    return replace(_with(collection, what), entries=entries)


def _told_of_moves(collection: Collection, moved: Mapping[str, str]) -> Collection:
    count = sum(entry.source in moved for entry in collection.entries)
    if not count:
        return collection
    what = f"{count:,} items are in the part that you chose." if count > 1 else "1 item is in the part that you chose."
    return _with(collection, what)


def _with(collection: Collection, what: str) -> Collection:
    return replace(collection, findings=(*collection.findings, Finding(level="info", what=what)))
