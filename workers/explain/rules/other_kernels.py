"""The same operators in the same number format with another implementation, of the same engine or another one."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.contracts.wording import counted
from workers.explain.groups import Group, main_layer
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import slower_or_faster


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return main_layer(group.first).kernel != main_layer(group.second).kernel


def _explain(facts: SpeedFacts) -> Reason:
    first, second = facts.runtimes
    text = (
        _("Another implementation computes {0}: {1}.")
        if first == second
        else _("{2} instead of {3} computes {0}: {1}.")
    )
    text = text.format(counted(len(facts.groups), "operator"), slower_or_faster(*facts.spent_ms), second, first)
    return facts.reason(text, _("Keep the engine of the first model.") if first != second else "")


RULE = Rule("other_kernels", _explain, _belongs, order=150)
