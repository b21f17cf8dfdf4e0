"""Find items that both sets share, because tuning a model on its test items makes it look better than it is.

Kapoor and Narayanan 2023, "Leakage and the reproducibility crisis in machine-learning-based science".
"""

from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, mark, ngettext
from workers.evaluate.checks.alike import alike
from workers.evaluate.checks.base import Check, Material, Outcome
from workers.evaluate.data.base import names_of


def run(material: Material, ctx: JobContext) -> Outcome:
    """Find equal or nearly equal items across the two sets."""
    if not material.is_pair:
        return Outcome(counts={"leaked": None, "leaked_exact": None, "leaked_near": None})
    equal, all_groups, near_known = alike(material, ctx)
    exact, every = _across(material, equal), _across(material, all_groups)
    shared, same = _of_first(material, every), _of_first(material, exact)
    near = len(shared) - len(same) if near_known else None
    counts = {"leaked": len(shared), "leaked_exact": len(same), "leaked_near": near}
    if not shared:
        return Outcome(counts=counts)
    hint = mark("Leave them out of one of the two: a model tuned on what it is tested with looks better than it is.")
    items = [material.name_of(i) for i in shared]
    finding = CHECK.finding("danger", _words(material, shared, same), hint, items, groups=material.names_of(every))
    return Outcome((finding,), counts, _to_leave_out(material, all_groups, every))


def _across(material: Material, groups: list[list[int]]) -> list[list[int]]:
    sides = material.sides
    return [group for group in groups if len({int(sides[i]) for i in group}) > 1]


def _of_first(material: Material, groups: list[list[int]]) -> list[int]:
    return [i for group in groups for i in group if material.sides[i] == 0]


def _words(material: Material, shared: list[int], same: list[int]) -> str:
    first, second = material.names
    count, example = len(shared), names_of([material.name_of(shared[0])])
    if len(same) == count:
        what = ngettext(
            "{0} item of “{1}” is exactly the same as an item of “{2}”, such as {3}.",
            "{0:,} items of “{1}” are exactly the same as items of “{2}”, such as {3}.",
            count,
        )
    elif same:
        what = _("{0:,} items of “{1}” are the same as items of “{2}”, {4:,} of them exactly, such as {3}.")
    else:
        what = ngettext(
            "{0} item of “{1}” is nearly the same as an item of “{2}”, such as {3}.",
            "{0:,} items of “{1}” are nearly the same as items of “{2}”, such as {3}.",
            count,
        )
    return what.format(count, first, second, example, len(same))


def _to_leave_out(material: Material, groups: list[list[int]], across: list[list[int]]) -> tuple[str, ...]:
    """Return the sources that have to be left out so that the sets share nothing.

    For two separate sets, these are the shared items of the first one. Two parts of one set are split again after items
    are left out. So that the new split shares nothing either, one item of each group stays, also if its copies lie in
    the same part now.
    """
    if material.roots[0] != material.roots[1]:
        left_out = _of_first(material, across)
    else:
        kept = {next((i for i in group if material.sides[i] == 0), group[0]) for group in groups}
        left_out = [i for group in groups for i in group if i not in kept]
    return tuple(material.entries[i].source for i in left_out)


CHECK = Check("leakage", "The two sets share nothing", "content digest, pHash, MinHash as for duplicates", 50, run)
