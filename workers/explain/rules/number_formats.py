"""Heavy operators that compute in another number format."""

from collections import defaultdict
from dataclasses import replace

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _, joined
from workers.explain.groups import Group
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import BITS, slower_or_faster


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    first, second = group.precisions
    return bool(group.family and first and second) and first != second


def _explain(facts: SpeedFacts) -> Reason:
    """Return how many operators of each family changed and how much faster they became."""
    alike: dict[tuple[str, str], list[Group]] = defaultdict(list)
    for group in facts.groups:
        alike[group.family, group.precisions[1]].append(group)
    parts = []
    for (family, precision), groups in sorted(alike.items(), key=lambda item: -len(item[1])):
        n = sum(group.heavy for group in groups)
        of_all = sum(group.heavy for group in facts.all_groups if group.family == family)
        spent = replace(facts, groups=tuple(groups)).spent_ms
        parts.append(
            _("{0:,} of {1:,} {2} in {3}: {4}.").format(
                n, of_all, _(family), _(BITS.get(precision, precision)), slower_or_faster(*spent)
            )
        )
    advice = _("Keep the operators that became slower in the number format of the first model.")
    return facts.reason(joined(parts), advice)


RULE = Rule("number_formats", _explain, _belongs, order=80)
