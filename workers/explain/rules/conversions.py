"""Conversions between number formats that only one model has."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _, ngettext
from workers.explain.kinds import CONVERTING
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
                "{0:,} more conversion between number formats costs {1}.",
                "{0:,} more conversions between number formats cost {1}.",
                n,
            ),
            ngettext(
                "{0:,} fewer conversion between number formats saves {1}.",
                "{0:,} fewer conversions between number formats save {1}.",
                n,
            ),
            _("Conversions between number formats take {1} more."),
            _("Conversions between number formats take {1} less."),
        ),
        _("Let neighboring operators use the same number format.") if facts.saved_ms < 0 else "",
    )


RULE = Rule("conversions", _explain, lambda group, _facts: group.only_has(CONVERTING), order=30)
