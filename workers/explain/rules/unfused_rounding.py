"""Rounding to 8 bits around operators that still compute with more bits."""

from workers.contracts.after.changes import Reason
from workers.explain.groups import Group
from workers.explain.kinds import ROUNDING
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import count, ms


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    """Return whether the group is rounding of the second model alone, or a heavy operator that reads its result."""
    return not facts.rounded_in_vain.isdisjoint(group.names) and (bool(group.family) or not group.first)


def _explain(facts: SpeedFacts) -> Reason:
    rounding = sum(layer.kind in ROUNDING for layer in facts.layers[1])
    return facts.reason(
        RULE.code,
        f"{count(rounding, 'conversion')} to 8 bits and back do not save anything, because the operators between them "
        f"still compute with more bits: {ms(-facts.saved_ms)} more.",
        "Round inputs and weights of these operators, or leave them out of the rounding.",
    )


RULE = Rule("unfused_rounding", _explain, _belongs, order=20)
