"""Operators that only the second model runs."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.contracts.wording import counted
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import kinds_of, ms


def _explain(facts: SpeedFacts) -> Reason:
    second = facts.layers[1]
    text = _("Only the second model has {0} ({1}): {2}.")
    text = text.format(counted(len(second), "operator"), kinds_of(second), ms(-facts.saved_ms))
    return facts.reason(text, _("Check whether the second model needs them."))


RULE = Rule("added_operators", _explain, lambda group, _facts: not group.first, order=130)
