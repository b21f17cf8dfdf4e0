"""The same operators on larger or smaller inputs, for example because of padding."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.explain.groups import CHANGED, Group
from workers.explain.speed import Rule, SpeedFacts

BLOCKED = "NCHWc"
"""End of kernels that fill channels up to whole blocks, so that their numbers of values say nothing of the inputs."""


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    """Return whether both models compute the same operators as one layer, on different numbers of values."""
    if len(group.first) != 1 or len(group.second) != 1 or any(row.status in CHANGED for row in group.rows):
        return False
    first, second = group.first[0].values, group.second[0].values
    if any(layer.kernel.endswith(BLOCKED) for layer in (*group.first, *group.second)):
        return False
    return bool(group.rows and first and second) and first != second


def _explain(facts: SpeedFacts) -> Reason:
    first, second = (sum(layer.values or 0 for layer in layers) for layers in facts.layers)
    text = _("The same operators compute {0:.2f} times as many values.").format(second / first)
    return facts.reason(text, _("Use inputs of the size that the data needs, or pad to the next of a few sizes."))


RULE = Rule("larger_inputs", _explain, _belongs, order=50)
