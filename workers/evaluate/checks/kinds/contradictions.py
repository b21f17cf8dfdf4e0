"""Find equal items with contradicting labels."""

from workers.contracts.data.checks import MAX_NAMED
from workers.contracts.process.context import JobContext
from workers.evaluate.checks.alike import alike
from workers.evaluate.checks.base import Check, Material, Outcome
from workers.evaluate.data.base import names_of


def run(material: Material, ctx: JobContext) -> Outcome:
    """Find exactly equal items without a common label; nearly equal ones may differ for good reasons."""
    if not any(unit.labels for unit in material.units):
        return Outcome(counts={"contradictions": None})
    groups = [group for group in alike(material, ctx)[0] if _contradict(material, group)]
    if not groups:
        return Outcome(counts={"contradictions": 0})
    count = len(groups)
    labels = sorted({label for i in groups[0] for label in material.units[i].labels})
    first = names_of([material.name_of(i) for i in groups[0]], 2)
    cases = "1 item comes" if count == 1 else f"{count:,} items come"
    what = f"{cases} more than once with labels that contradict each other: {first} as {names_of(labels)}."
    hint = "Correct the labels. Until then Fettle uses none of them."
    named = tuple(tuple(material.name_of(i) for i in group) for group in groups[:MAX_NAMED])
    finding = CHECK.finding("warning", what, hint, count=count, groups=named)
    return Outcome((finding,), {"contradictions": count})


def _contradict(material: Material, group: list[int]) -> bool:
    sets = [set(material.units[i].labels) for i in group if material.units[i].labels]
    return len(sets) > 1 and not set.intersection(*sets)


CHECK = Check("contradictions", "Equal items have equal labels", "content digest", 60, run)
