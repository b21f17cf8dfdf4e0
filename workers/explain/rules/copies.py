"""Operators that copy values without computing any, and take longer than in the other model."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.explain.groups import Group
from workers.explain.kinds import COPYING, plain_kind
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import cost_or_save, count


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return group.only_has(COPYING)


def _explain(facts: SpeedFacts) -> Reason:
    kinds = sorted({plain_kind(layer.kind) for side in facts.layers for layer in side})
    return facts.reason(
        RULE.code,
        _("{0} for copying values ({1}) {2}.").format(
            count(len(facts.groups), "operator"),
            ", ".join(kinds),
            cost_or_save(facts.saved_ms, one=len(facts.groups) == 1),
        ),
        "Write results where they are needed: join or cut smaller values." if facts.saved_ms < 0 else "",
    )


RULE = Rule("copies", _explain, _belongs, order=90)
