"""Find equal items with contradicting labels."""

from workers.contracts.process.context import JobContext
from workers.contracts.translation import mark, ngettext
from workers.evaluate.checks.alike import alike
from workers.evaluate.checks.base import Check, Material, Outcome
from workers.evaluate.data.base import names_of


def run(material: Material, ctx: JobContext) -> Outcome:
    """Find exactly equal items without a common label; nearly equal ones may differ for good reasons."""
    if not any(entry.labels for entry in material.entries):
        return Outcome(counts={"contradictions": None})
    groups = [group for group in alike(material, ctx)[0] if _contradict(material, group)]
    count = len(groups)
    if not groups:
        return Outcome(counts={"contradictions": count})
    labels = sorted({label for i in groups[0] for label in material.entries[i].labels})
    named = material.names_of(groups)
    what = ngettext(
        "{0} item comes more than once with labels that contradict each other: {1} as {2}.",
        "{0:,} items come more than once with labels that contradict each other: {1} as {2}.",
        count,
    ).format(count, names_of(named[0], 2), names_of(labels))
    hint = mark("Correct the labels. Until then Fettle uses none of them.")
    finding = CHECK.finding("warning", what, hint, count=count, groups=named)
    return Outcome((finding,), {"contradictions": count})


def _contradict(material: Material, group: list[int]) -> bool:
    sets = [set(material.entries[i].labels) for i in group if material.entries[i].labels]
    return len(sets) > 1 and not set.intersection(*sets)


CHECK = Check("contradictions", "Equal items have equal labels", "content digest", 60, run)
