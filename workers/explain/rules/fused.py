"""Operators that the second model's engine runs as fewer layers than the first one's."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.explain.groups import Group
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import cost_or_save, count


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return bool(group.second) and len(group.second) < len(group.first)


def _explain(facts: SpeedFacts) -> Reason:
    first, second = facts.layers
    return facts.reason(
        RULE.code,
        _("{0} of the first model run as {1} in the second, which {2}.").format(
            count(len(first), "layer"), len(second), cost_or_save(facts.saved_ms, one=True)
        ),
        "Try it without this fusion." if facts.saved_ms < 0 else "",
    )


RULE = Rule("fused", _explain, _belongs, order=120)
