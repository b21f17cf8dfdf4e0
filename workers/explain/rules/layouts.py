"""Changes of the order of values in memory that only one model has."""

from workers.contracts.after.changes import Reason
from workers.explain.groups import Group
from workers.explain.kinds import LAYOUT
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import more_or_fewer


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return group.only_has(LAYOUT)


def _explain(facts: SpeedFacts) -> Reason:
    numbers = len(facts.layers[0]), len(facts.layers[1])
    return facts.reason(
        RULE.code,
        more_or_fewer(numbers, "change", "of the order of values in memory (layout)", facts.saved_ms),
        "Keep one order (channels first or channels last) from input to output." if facts.saved_ms < 0 else "",
    )


RULE = Rule("layouts", _explain, _belongs, order=40)
