"""Conversions between number formats that only one model has."""

from workers.contracts.after.changes import Reason
from workers.explain.groups import Group
from workers.explain.kinds import CONVERTING
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import cost_or_save, count


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return group.only_has(CONVERTING)


def _explain(facts: SpeedFacts) -> Reason:
    first, second = map(len, facts.layers)
    what = count(abs(second - first), "conversion", "more" if second > first else "fewer")
    return facts.reason(
        RULE.code,
        f"{what} between number formats {cost_or_save(facts.saved_ms, one=abs(second - first) == 1)}.",
        "Let neighboring operators use the same number format." if facts.saved_ms < 0 else "",
    )


RULE = Rule("conversions", _explain, _belongs, order=30)
