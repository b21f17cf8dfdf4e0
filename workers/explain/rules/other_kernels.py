"""The same operators in the same number format with another implementation, of the same engine or another one."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.explain.groups import Group, main_layer
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import count, slower_or_faster


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return main_layer(group.first).kernel != main_layer(group.second).kernel


def _explain(facts: SpeedFacts) -> Reason:
    first, second = facts.runtimes
    what = "Another implementation" if first == second else _("{0} instead of {1}").format(second, first)
    slower = facts.saved_ms < 0
    return facts.reason(
        RULE.code,
        _("{0} computes {1}: {2}.").format(
            what, count(len(facts.groups), "operator"), slower_or_faster(*facts.spent_ms)
        ),
        "Keep the engine of the first model." if slower and first != second else "",
    )


RULE = Rule("other_kernels", _explain, _belongs, order=150)
