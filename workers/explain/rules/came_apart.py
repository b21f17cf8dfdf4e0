"""Operators that the second model's engine runs as more layers than the first one's."""

from workers.contracts.translation import mark
from workers.explain.speed import LAYERS, Rule, numbers_of_layers

RULE = Rule(
    "came_apart",
    numbers_of_layers(LAYERS, mark("Export these operators in a form that the engine fuses.")),
    lambda group, _facts: 0 < len(group.first) < len(group.second),
    order=110,
)
