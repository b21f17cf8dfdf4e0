"""Check the distribution of labels, and whether there are enough items."""

from collections import Counter

from workers.contracts.data.checks import CheckFinding
from workers.contracts.process.context import JobContext
from workers.contracts.wording import counted, is_are
from workers.evaluate.checks.base import Check, Material, Outcome, named
from workers.evaluate.data.base import names_of

FEW = 10
UNEVEN = 10


def run(material: Material, ctx: JobContext) -> Outcome:
    """Count labels and items of the first set."""
    units = [unit for unit in material.units if unit.side == 0]
    labels = Counter(unit.labels[0] for unit in units if unit.labels)
    labelled = sum(labels.values())
    counts: dict[str, int | None] = {"labelled": labelled, "classes": len(labels) if labels else None}
    findings = _few(len(units))
    if not labels:
        what = "There are no labels, so Fettle sees whether answers change, but not whether they are right."
        findings.append(CHECK.finding("info", what))
        return Outcome(tuple(findings), counts)
    if labelled < len(units):
        names = [unit.source for unit in units if not unit.labels]
        what = f"{counted(len(names), 'item').capitalize()} of {len(units):,} {is_are(len(names))} without a label."
        finding = CHECK.finding("info", what, count=len(names), items=named(names))
        findings.append(finding)
    findings.append(_spread(labels))
    return Outcome(tuple(findings), counts)


def _few(count: int) -> list[CheckFinding]:
    if count >= FEW:
        return []
    what = f"There {is_are(count)} only {counted(count, 'item')}: too few to say how often answers are right or change."
    hint = "Add more, some hundreds if you can."
    return [CHECK.finding("warning", what, hint, count=count)]


def _spread(labels: Counter[str]) -> CheckFinding:
    (most, many), (least, few) = labels.most_common()[0], labels.most_common()[-1]
    values = {f"items of {label}": float(count) for label, count in labels.most_common(100)}
    if len(labels) == 1:
        what = f"All labels are of one kind, {names_of([most])}: what happens to other kinds is not tested."
        hint = "Add examples of the other kinds."
        return CHECK.finding("warning", what, hint, values=values)
    if few * UNEVEN < many:
        what = f"The kinds are unevenly spread: {many:,} of {names_of([most])} and {few:,} of {names_of([least])}."
        hint = "Add examples of the rare kinds; figures about these rest on few examples."
        return CHECK.finding("warning", what, hint, values=values)
    spread = f"{few:,} to {many:,}" if few != many else f"{many:,}"
    what = f"{len(labels):,} kinds, {spread} examples of each."
    return CHECK.finding("info", what, values=values)


CHECK = Check("balance", "Examples of each kind", "plain counts of the labels", 30, run)
