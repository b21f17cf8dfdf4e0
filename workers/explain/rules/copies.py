"""Operators that copy values without computing any, and that only one model has."""

from workers.contracts.translation import mark
from workers.explain.kinds import COPYING
from workers.explain.speed import Rule, numbers_of_layers

RULE = Rule(
    "copies",
    numbers_of_layers(
        mark("Operators for copying values ({2}) that only one model has: {0:,} in the first, {1:,} in the second."),
        mark("Write results where they are needed: join or cut smaller values."),
    ),
    lambda group, _facts: group.only_has(COPYING),
    order=90,
)
