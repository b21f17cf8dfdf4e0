"""Operators that the second model's engine runs as fewer layers than the first one's."""

from workers.contracts.translation import mark
from workers.explain.speed import LAYERS, Rule, numbers_of_layers

RULE = Rule(
    "fused",
    numbers_of_layers(LAYERS, mark("Try it without this fusion.")),
    lambda group, _facts: 0 < len(group.second) < len(group.first),
    order=120,
)
