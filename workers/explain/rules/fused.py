"""Operators that the second model's engine runs as fewer layers than the first one's."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.explain.groups import Group
from workers.explain.speed import Rule, SpeedFacts


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return bool(group.second) and len(group.second) < len(group.first)


def _explain(facts: SpeedFacts) -> Reason:
    first, second = facts.layers
    return facts.either(
        _("{0:,} layers of the first model run as {1:,} in the second, which saves {2}."),
        _("{0:,} layers of the first model run as {1:,} in the second, which costs {2}."),
        (len(first), len(second)),
        _("Try it without this fusion."),
    )


RULE = Rule("fused", _explain, _belongs, order=120)
