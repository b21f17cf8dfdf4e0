"""What it costs that only one of the models takes inputs of any size."""

import statistics

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.explain.groups import Group
from workers.explain.speed import Rule, SpeedFacts, exceeds_noise


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    """Return whether only the model with free sizes runs the group, and not even that one once its sizes are fixed."""
    if facts.fixed is None or (group.first and group.second):
        return False
    layers = group.second if facts.second.free_sizes else group.first
    return bool(layers) and facts.names_if_fixed.isdisjoint(layer.name for layer in layers)


def _explain(facts: SpeedFacts) -> Reason | None:
    if facts.fixed is None:
        return None
    free = facts.second if facts.second.free_sizes else facts.first
    costs = [a - b for a, b in zip(free.request_ms, facts.fixed.request_ms, strict=False)]
    if not exceeds_noise(costs) or (cost_ms := statistics.median(costs)) < 0:
        return None
    if free is facts.first:
        text = _("The first model takes inputs of any size, and the second one is built for the size of this request.")
        return facts.reason(text, saved_ms=cost_ms)
    text = _("The second model takes inputs of any size, and the first one is built for the size of this request.")
    return facts.reason(text, _("Fix the input size, or use a few fixed sizes."), saved_ms=-cost_ms)


RULE = Rule("free_sizes", _explain, _belongs, order=10, checks_noise=True)
