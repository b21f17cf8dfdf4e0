"""Conversions between number formats that only one model has."""

from workers.contracts.translation import mark
from workers.explain.kinds import CONVERTING
from workers.explain.speed import Rule, numbers_of_layers

RULE = Rule(
    "conversions",
    numbers_of_layers(
        mark("Conversions between number formats that only one model has: {0:,} in the first, {1:,} in the second."),
        mark("Let neighboring operators use the same number format."),
    ),
    lambda group, _facts: group.only_has(CONVERTING),
    order=30,
)
