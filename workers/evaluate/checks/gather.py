"""Decode every item once and store what the checks need."""

from collections.abc import Sequence

import numpy as np

from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, joined, mark, message_of, ngettext
from workers.evaluate.checks.base import Floats, Material, Pictures
from workers.evaluate.checks.measuring import Measured, measure
from workers.evaluate.checks.reading import DataSplit
from workers.evaluate.data.base import Entry, names_of
from workers.evaluate.data.dataset import Kind
from workers.pipeline.spec import PipelineError

STAGE = mark("Looking at each item")


def gather(parts: Sequence[DataSplit], ctx: JobContext) -> Material:
    """Read all entries.

    Raises:
        InputRefused: If none can be read.
    """
    entries: list[Entry] = []
    sides: list[int] = []
    measured: list[Measured] = []
    unreadable: list[tuple[str, str, int]] = []
    total, done = sum(len(part.entries) for part in parts), 0
    kind = _kind_of(parts)
    for side, part in enumerate(parts):
        unreadable += [(name, _("The file is missing."), side) for name in part.collection.missing]
        for entry in part.entries:
            ctx.check_cancelled()
            ctx.progress(STAGE, done, total, "items")
            done += 1
            try:
                measured.append(measure(entry.open(), kind))
            except (PipelineError, OSError, ValueError) as error:
                unreadable.append((entry.source, message_of(error), side))
                continue
            entries.append(entry)
            sides.append(side)
    ctx.progress(STAGE, total, total, "items")
    if not entries:
        raise _nothing_readable(unreadable)
    return Material(
        kind=kind, names=tuple(part.name for part in parts), entries=entries, sides=np.asarray(sides, np.int64),
        digests=[one.digest for one in measured], unreadable=unreadable, pictures=_pictures(measured),
        file_kinds=[one.kind_of_file for one in measured], features=_features(measured),
        properties=_properties(measured), roots=tuple(part.root for part in parts),
    )  # fmt: skip


def _kind_of(parts: Sequence[DataSplit]) -> Kind:
    """Return the kind of the data; arrays that look like pictures are checked as pictures."""
    kind = parts[0].collection.kind
    if kind != "arrays":
        return kind
    return "images" if all(_is_picture(part.entries[0]) for part in parts) else kind


def _is_picture(entry: Entry) -> bool:
    """Return whether a sample is a picture: uint8, height and width of at least 8, one, three or four channels."""
    sample = entry.open()
    if not isinstance(sample, np.ndarray) or sample.dtype != np.uint8 or sample.ndim not in (2, 3):
        return False
    if sample.ndim == 3 and sample.shape[0] not in (1, 3) and sample.shape[2] not in (1, 3, 4):
        return False
    return bool(sorted(sample.shape)[-2] >= 8)


def _pictures(measured: Sequence[Measured]) -> Pictures | None:
    pictures = [one.picture for one in measured if one.picture is not None]
    if len(pictures) != len(measured):
        return None
    small, hashes = zip(*pictures, strict=True)
    return np.stack(small), np.stack(hashes)


def _features(measured: Sequence[Measured]) -> Floats | None:
    """Return the features (n, d); None if there are none or if their lengths differ."""
    rows = [one.numbers for one in measured if one.numbers is not None]
    same = len(rows) == len(measured) and len({row.shape for row in rows}) == 1 and rows[0].size > 0
    return np.stack(rows) if same else None


def _properties(measured: Sequence[Measured]) -> dict[str, Floats]:
    names = [name for name in measured[0].properties if all(name in one.properties for one in measured)]
    return {name: np.asarray([one.properties[name] for one in measured], np.float32) for name in names}


def _nothing_readable(unreadable: Sequence[tuple[str, str, int]]) -> InputRefused:
    names = [name for name, _reason, _side in unreadable]
    what = ngettext("{0:,} item was tried: {1}.", "{0:,} items were tried, among them {1}.", len(names))
    return InputRefused(
        "nothing_readable",
        "None of the data can be read",
        joined([what.format(len(names), names_of(names)), unreadable[0][1]]),
        "Open one of them in another program to see whether it is damaged, or choose other data.",
    )
