"""Operators that the second model does not run any more."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.contracts.wording import counted
from workers.explain.groups import Group
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import kinds_of, ms


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return not group.second


def _explain(facts: SpeedFacts) -> Reason:
    first = facts.layers[0]
    return facts.reason(
        RULE.code,
        _("The second model runs without {0} ({1}), which saves {2}.").format(
            counted(len(first), "operator"), kinds_of(first), ms(facts.saved_ms)
        ),
    )


RULE = Rule("removed_operators", _explain, _belongs, order=140)
