"""Find items that occur more than once in a set: unchanged, resized, recompressed, cropped or slightly reworded."""

from workers.contracts.data.checks import CheckFinding
from workers.contracts.process.context import JobContext
from workers.contracts.translation import mark, ngettext
from workers.evaluate.checks.alike import alike
from workers.evaluate.checks.base import Check, Material, Outcome
from workers.evaluate.data.base import names_of


def run(material: Material, ctx: JobContext) -> Outcome:
    """Find duplicates within each set; the leakage check reports what both sets share."""
    groups, all_groups, near_known = alike(material, ctx)
    exact, every = _inside(material, groups), _inside(material, all_groups)
    surplus = sum(len(group) - 1 for group in exact)
    near = sum(len(group) - 1 for group in every) - surplus
    findings = []
    if surplus:
        what = ngettext(
            "{0} item is exactly the same as another one: {1} and {2}.",
            "{0:,} items are exactly the same as another one: {1} and {2}.",
            surplus,
        )
        findings.append(_finding(material, what, surplus, exact, mark("Identical items are counted once.")))
    if near:
        what = ngettext(
            "{0} item is nearly the same as another one: {1} and {2}.",
            "{0:,} items are nearly the same as another one: {1} and {2}.",
            near,
        )
        hint = mark("Similar examples prove less than different ones: remove those that add nothing.")
        same = set(map(tuple, exact))
        findings.append(_finding(material, what, near, [group for group in every if tuple(group) not in same], hint))
    return Outcome(tuple(findings), {"exact_duplicates": surplus, "near_duplicates": near if near_known else None})


def _inside(material: Material, groups: list[list[int]]) -> list[list[int]]:
    """Return the parts of each group that lie within one set."""
    sides = material.sides
    parts = [[i for i in group if sides[i] == side] for group in groups for side in range(len(material.names))]
    return [part for part in parts if len(part) > 1]


def _finding(material: Material, what: str, count: int, groups: list[list[int]], hint: str) -> CheckFinding:
    named = material.names_of(groups)
    one, other = (names_of([name]) for name in named[0][:2])
    return CHECK.finding("info", what.format(count, one, other), hint, count=count, groups=named)


SOURCE = "content digest; pHash of imagehash confirmed by alignment; MinHash of datasketch confirmed by Jaccard"
CHECK = Check("duplicates", "No item is there twice", SOURCE, 40, run)
