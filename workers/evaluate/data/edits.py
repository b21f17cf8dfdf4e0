"""Apply a person's manual changes to a data set: items left out, relabeled or moved to the other part.

The files themselves stay unchanged.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from workers.contracts.errors import InputRefused
from workers.contracts.translation import mark, ngettext
from workers.evaluate.data.base import Collection, Entry, info

NONE: Mapping[str, str] = {}


def edited(
    collection: Collection,
    left_out: Iterable[str] = (),
    relabeled: Mapping[str, str] = NONE,
    moved: Mapping[str, str] = NONE,
) -> Collection:
    """Return the collection with the person's changes, and with findings that report them.

    Raises:
        InputRefused: If no item is left.
    """
    left = set(left_out)
    entries = [entry for entry in collection.entries if entry.source not in left]
    missing = tuple(name for name in collection.missing if name not in left)
    gone = len(collection.entries) + len(collection.missing) - len(entries) - len(missing)
    if gone and not entries:
        hint = mark("Put some of them back, or choose other data.")
        raise InputRefused("nothing_left", "Nothing is left", "All items were left out.", hint)
    counts = gone, *(sum(entry.source in changes for entry in entries) for changes in (relabeled, moved))
    report = (
        ngettext("{0} item is left out as you wished.", "{0:,} items are left out as you wished.", counts[0]),
        ngettext(
            "{0} item has another label as you wished.", "{0:,} items have other labels, as you wished.", counts[1]
        ),
        ngettext("{0} item is in the part that you chose.", "{0:,} items are in the part that you chose.", counts[2]),
    )
    found = [info(what.format(count)) for what, count in zip(report, counts, strict=True) if count]
    findings = (*collection.findings, *found)
    return replace(collection, entries=with_labels(entries, relabeled), missing=missing, findings=findings)


def with_labels(entries: Iterable[Entry], relabeled: Mapping[str, str]) -> list[Entry]:
    """Return the entries; all labels of a relabeled one are replaced by its new label."""
    return [replace(one, labels=(relabeled[one.source],)) if one.source in relabeled else one for one in entries]
