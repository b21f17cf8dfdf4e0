"""Operators that the second model does not run any more."""

from workers.contracts.translation import mark
from workers.explain.speed import Rule, numbers_of_layers

RULE = Rule(
    "removed_operators",
    numbers_of_layers(mark("Operators that only the first model has ({2}): {0:,}.")),
    lambda group, _facts: not group.second,
    order=140,
)
