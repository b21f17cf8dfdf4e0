"""Operators that the second model does not run any more."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.contracts.wording import counted
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import kinds_of, ms


def _explain(facts: SpeedFacts) -> Reason:
    first = facts.layers[0]
    text = _("The second model runs without {0} ({1}), which saves {2}.")
    return facts.reason(text.format(counted(len(first), "operator"), kinds_of(first), ms(facts.saved_ms)))


RULE = Rule("removed_operators", _explain, lambda group, _facts: not group.second, order=140)
