"""Operators that the second model's engine runs as more layers than the first one's."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.contracts.wording import counted
from workers.explain.groups import Group
from workers.explain.speed import Rule, SpeedFacts


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return bool(group.first) and len(group.second) > len(group.first)


def _explain(facts: SpeedFacts) -> Reason:
    first, second = facts.layers
    return facts.either(
        _("What the first model computes in {0} takes {1:,} in the second, which saves {2}."),
        _("What the first model computes in {0} takes {1:,} in the second, which costs {2}."),
        (counted(len(first), "layer"), len(second)),
        _("Export these operators in a form that the engine fuses."),
    )


RULE = Rule("came_apart", _explain, _belongs, order=110)
