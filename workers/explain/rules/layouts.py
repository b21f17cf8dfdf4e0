"""Changes of the order of values in memory that only one model has."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _, ngettext
from workers.explain.kinds import LAYOUT
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import more_or_fewer


def _explain(facts: SpeedFacts) -> Reason:
    numbers = len(facts.layers[0]), len(facts.layers[1])
    n = abs(numbers[1] - numbers[0])
    return facts.reason(
        more_or_fewer(
            numbers,
            facts.saved_ms,
            ngettext(
                "{0:,} more change of the order of values in memory (layout) costs {1}.",
                "{0:,} more changes of the order of values in memory (layout) cost {1}.",
                n,
            ),
            ngettext(
                "{0:,} fewer change of the order of values in memory (layout) saves {1}.",
                "{0:,} fewer changes of the order of values in memory (layout) save {1}.",
                n,
            ),
            _("Changes of the order of values in memory (layout) take {1} more."),
            _("Changes of the order of values in memory (layout) take {1} less."),
        ),
        _("Keep one order (channels first or channels last) from input to output.") if facts.saved_ms < 0 else "",
    )


RULE = Rule("layouts", _explain, lambda group, _facts: group.only_has(LAYOUT), order=40)
