"""Check the distribution of labels, and whether there are enough items."""

from collections import Counter

from workers.contracts.data.checks import CheckFinding
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _
from workers.contracts.wording import counted, is_are
from workers.evaluate.checks.base import Check, Material, Outcome
from workers.evaluate.data.base import names_of

FEW = 10
UNEVEN = 10


def run(material: Material, ctx: JobContext) -> Outcome:
    """Count labels and items of the first set."""
    entries = [entry for entry, side in zip(material.entries, material.sides, strict=True) if side == 0]
    labels = Counter(entry.labels[0] for entry in entries if entry.labels)
    counts = {"labelled": labels.total(), "classes": len(labels) or None}
    findings = _few(len(entries))
    if not labels:
        what = "There are no labels, so Fettle sees whether answers change, but not whether they are right."
        return Outcome((*findings, CHECK.finding("info", what)), counts)
    if names := [entry.source for entry in entries if not entry.labels]:
        what = _("{0} of {1:,} {2} without a label.").format(
            counted(len(names), "item").capitalize(), len(entries), is_are(len(names))
        )
        findings.append(CHECK.finding("info", what, items=names))
    return Outcome((*findings, _spread(labels)), counts)


def _few(count: int) -> list[CheckFinding]:
    if count >= FEW:
        return []
    what = _("There {0} only {1}: too few to say how often answers are right or change.").format(
        is_are(count), counted(count, "item")
    )
    hint = "Add more, some hundreds if you can."
    return [CHECK.finding("warning", what, hint, count=count)]


def _spread(labels: Counter[str]) -> CheckFinding:
    (most, many), (least, few) = labels.most_common()[0], labels.most_common()[-1]
    values = {_("items of {0}").format(label): float(count) for label, count in labels.most_common(100)}
    if len(labels) == 1:
        what = _("All labels are of one kind, {0}: what happens to other kinds is not tested.").format(names_of([most]))
        hint = "Add examples of the other kinds."
        return CHECK.finding("warning", what, hint, values=values)
    if few * UNEVEN < many:
        what = _("The kinds are unevenly spread: {0:,} of {1} and {2:,} of {3}.").format(
            many, names_of([most]), few, names_of([least])
        )
        hint = "Add examples of the rare kinds; figures about these rest on few examples."
        return CHECK.finding("warning", what, hint, values=values)
    spread = _("{0:,} to {1:,}").format(few, many) if few != many else f"{many:,}"
    what = _("{0:,} kinds, {1} examples of each.").format(len(labels), spread)
    return CHECK.finding("info", what, values=values)


CHECK = Check("balance", "Examples of each kind", "plain counts of the labels", 30, run)
