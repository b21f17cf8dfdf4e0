"""Operators that the second model's engine runs as more layers than the first one's."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.contracts.wording import counted
from workers.explain.groups import Group
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import ms


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return bool(group.first) and len(group.second) > len(group.first)


def _explain(facts: SpeedFacts) -> Reason:
    first, second = facts.layers
    saves = facts.saved_ms > 0
    text = (
        _("What the first model computes in {0} takes {1:,} in the second, which saves {2}.")
        if saves
        else _("What the first model computes in {0} takes {1:,} in the second, which costs {2}.")
    )
    return facts.reason(
        RULE.code,
        text.format(counted(len(first), "layer"), len(second), ms(abs(facts.saved_ms))),
        "" if saves else _("Export these operators in a form that the engine fuses."),
    )


RULE = Rule("came_apart", _explain, _belongs, order=110)
