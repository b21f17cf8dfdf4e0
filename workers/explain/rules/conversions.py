"""Conversions between number formats that only one model has."""

from workers.contracts.after.changes import Reason
from workers.explain.groups import Group
from workers.explain.kinds import CONVERTING
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import more_or_fewer


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return group.only_has(CONVERTING)


def _explain(facts: SpeedFacts) -> Reason:
    numbers = len(facts.layers[0]), len(facts.layers[1])
    return facts.reason(
        RULE.code,
        more_or_fewer(numbers, "conversion", "between number formats", facts.saved_ms),
        "Let neighboring operators use the same number format." if facts.saved_ms < 0 else "",
    )


RULE = Rule("conversions", _explain, _belongs, order=30)
