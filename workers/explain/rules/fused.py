"""Operators that the second model's engine runs as fewer layers than the first one's."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.explain.groups import Group
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import ms


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return bool(group.second) and len(group.second) < len(group.first)


def _explain(facts: SpeedFacts) -> Reason:
    first, second = facts.layers
    saves = facts.saved_ms > 0
    text = (
        _("{0:,} layers of the first model run as {1:,} in the second, which saves {2}.")
        if saves
        else _("{0:,} layers of the first model run as {1:,} in the second, which costs {2}.")
    )
    return facts.reason(
        RULE.code,
        text.format(len(first), len(second), ms(abs(facts.saved_ms))),
        "" if saves else _("Try it without this fusion."),
    )


RULE = Rule("fused", _explain, _belongs, order=120)
