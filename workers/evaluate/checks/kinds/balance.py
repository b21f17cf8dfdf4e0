"""Check the distribution of labels, and whether there are enough items."""

from collections import Counter, defaultdict

from workers.contracts.data.checks import CheckFinding
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, mark, ngettext
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
        what = mark("There are no labels, so Fettle sees whether answers change, but not whether they are right.")
        return Outcome((*findings, CHECK.finding("info", what)), counts)
    if names := [entry.source for entry in entries if not entry.labels]:
        what = ngettext(
            "{0} item of {1:,} is without a label.", "{0:,} items of {1:,} are without a label.", len(names)
        ).format(len(names), len(entries))
        findings.append(CHECK.finding("info", what, items=names))
    return Outcome((*findings, *_spelled_alike(labels), _spread(labels)), counts)


def _few(count: int) -> list[CheckFinding]:
    if count >= FEW:
        return []
    what = ngettext(
        "There is only {0} item: too few to say how often answers are right or change.",
        "There are only {0} items: too few to say how often answers are right or change.",
        count,
    ).format(count)
    hint = mark("Add more, some hundreds if you can.")
    return [CHECK.finding("warning", what, hint, count=count)]


def _spelled_alike(labels: Counter[str]) -> list[CheckFinding]:
    """Return a warning about labels that differ in case and white space alone."""
    spellings: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        spellings["".join(label.casefold().split())].append(label)
    alike = [names_of(names) for names in spellings.values() if len(names) > 1]
    if not alike:
        return []
    what = _("These labels count as different kinds, and are probably the same: {0}.").format("; ".join(alike[:5]))
    return [
        CHECK.finding("warning", what, mark("Give them one spelling, and choose the data again."), count=len(alike))
    ]


def _spread(labels: Counter[str]) -> CheckFinding:
    (most, many), (least, few) = labels.most_common()[0], labels.most_common()[-1]
    values = {f"items of {label}": float(count) for label, count in labels.most_common(100)}
    if len(labels) == 1:
        what = _("All labels are of one kind, {0}: what happens to other kinds is not tested.").format(names_of([most]))
        hint = mark("Add examples of the other kinds.")
        return CHECK.finding("warning", what, hint, values=values)
    if few * UNEVEN < many:
        what = _("The kinds are unevenly spread: {0:,} of {1} and {2:,} of {3}.").format(
            many, names_of([most]), few, names_of([least])
        )
        hint = mark("Add examples of the rare kinds; figures about these rest on few examples.")
        return CHECK.finding("warning", what, hint, values=values)
    what = (
        _("{0:,} kinds, {1:,} to {2:,} examples of each.") if few != many else _("{0:,} kinds, {1:,} examples of each.")
    )
    return CHECK.finding("info", what.format(len(labels), few, many), values=values)


CHECK = Check("balance", "Examples of each kind", "plain counts of the labels", 30, run)
