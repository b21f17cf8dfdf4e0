"""Rounding to 8 bits around operators that still compute with more bits."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.contracts.wording import counted
from workers.explain.groups import Group
from workers.explain.kinds import ROUNDING
from workers.explain.speed import Rule, SpeedFacts


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    """Return whether the group is rounding of the second model alone, or a heavy operator that reads its result."""
    return not facts.rounded_in_vain.isdisjoint(group.names) and (bool(group.family) or not group.first)


def _explain(facts: SpeedFacts) -> Reason:
    n, of_all = (sum(group.heavy for group in groups if group.family) for groups in (facts.groups, facts.all_groups))
    rounding = sum(layer.kind in ROUNDING for layer in facts.layers[1])
    text = _(
        "{0:,} of {1:,} heavy operators still compute with more bits, although {2} to 8 bits and back round values "
        "for them."
    )
    advice = _("Round inputs and weights of these operators, or leave them out of the rounding.")
    return facts.reason(text.format(n, of_all, counted(rounding, "conversion")), advice)


RULE = Rule("unfused_rounding", _explain, _belongs, order=20, only_costs=True)
