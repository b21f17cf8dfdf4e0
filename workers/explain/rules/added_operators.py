"""Operators that only the second model runs."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.explain.groups import Group
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import count, kinds_of, ms


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return not group.first


def _explain(facts: SpeedFacts) -> Reason:
    second = facts.layers[1]
    return facts.reason(
        RULE.code,
        _("Only the second model has {0} ({1}): {2}.").format(
            count(len(second), "operator"), kinds_of(second), ms(-facts.saved_ms)
        ),
        "Check whether the second model needs them.",
    )


RULE = Rule("added_operators", _explain, _belongs, order=130)
