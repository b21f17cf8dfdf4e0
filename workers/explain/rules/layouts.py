"""Changes of the order of values in memory that only one model has."""

from workers.contracts.translation import mark
from workers.explain.kinds import LAYOUT
from workers.explain.speed import Rule, numbers_of_layers

RULE = Rule(
    "layouts",
    numbers_of_layers(
        mark(
            "Changes of the order of values in memory (layout) that only one model has: {0:,} in the first, {1:,} in "
            "the second."
        ),
        mark("Keep one order (channels first or channels last) from input to output."),
    ),
    lambda group, _facts: group.only_has(LAYOUT),
    order=40,
)
