"""Operators that the second model's engine runs as more layers than the first one's."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.explain.groups import Group
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import cost_or_save, count


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return bool(group.first) and len(group.second) > len(group.first)


def _explain(facts: SpeedFacts) -> Reason:
    first, second = facts.layers
    return facts.reason(
        RULE.code,
        _("What the first model computes in {0} takes {1} in the second, which {2}.").format(
            count(len(first), "layer"), len(second), cost_or_save(facts.saved_ms, one=True)
        ),
        "Export these operators in a form that the engine fuses." if facts.saved_ms < 0 else "",
    )


RULE = Rule("came_apart", _explain, _belongs, order=110)
