"""Operators that only the second model runs."""

from workers.contracts.translation import mark
from workers.explain.speed import Rule, numbers_of_layers

RULE = Rule(
    "added_operators",
    numbers_of_layers(
        mark("Operators that only the second model has ({2}): {1:,}."),
        mark("Check whether the second model needs them."),
    ),
    lambda group, _facts: not group.first,
    order=130,
)
