"""Changes of the order of values in memory that only one model has."""

from workers.contracts.after.changes import Reason
from workers.explain.groups import Group
from workers.explain.kinds import LAYOUT
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import cost_or_save, count


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return group.only_has(LAYOUT)


def _explain(facts: SpeedFacts) -> Reason:
    first, second = map(len, facts.layers)
    what, one = count(abs(second - first), "change", "more" if second > first else "fewer"), abs(second - first) == 1
    return facts.reason(
        RULE.code,
        f"{what} of the order of values in memory (layout) {cost_or_save(facts.saved_ms, one=one)}.",
        "Keep one order (channels first or channels last) from input to output." if facts.saved_ms < 0 else "",
    )


RULE = Rule("layouts", _explain, _belongs, order=40)
