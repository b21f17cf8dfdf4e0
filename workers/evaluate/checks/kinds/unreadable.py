"""Report items that cannot be decoded."""

from collections import Counter

from workers.contracts.process.context import JobContext
from workers.contracts.translation import joined, ngettext
from workers.evaluate.checks.base import Check, Material, Outcome
from workers.evaluate.data.base import names_of


def run(material: Material, ctx: JobContext) -> Outcome:
    """Name the unreadable items and the most frequent reason."""
    found = material.unreadable
    counts = {"unreadable": len(found)}
    if not found:
        return Outcome(counts=counts)
    names = [name if side == 0 else f"{material.names[1]}: {name}" for name, _, side in found]
    reason = Counter(reason for _, reason, _ in found).most_common(1)[0][0]
    what = ngettext("{0} item cannot be read: {1}.", "{0:,} items cannot be read: {1}.", len(found))
    what = joined([what.format(len(found), names_of(names)), reason])
    finding = CHECK.finding("warning", what, "Open them in another program, or leave them out.", names)
    return Outcome((finding,), counts, leave_out=tuple(name for name, _, side in found if side == 0))


CHECK = Check("unreadable", "Every item can be read", "Pillow, numpy: what they decode", 10, run)
