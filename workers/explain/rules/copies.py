"""Operators that copy values without computing any, and take longer than in the other model."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _, ngettext
from workers.explain.kinds import COPYING, plain_kind
from workers.explain.speed import Rule, SpeedFacts


def _explain(facts: SpeedFacts) -> Reason:
    kinds = sorted({plain_kind(layer.kind) for side in facts.layers for layer in side})
    n = len(facts.groups)
    return facts.either(
        ngettext(
            "{0:,} operator for copying values ({1}) saves {2}.",
            "{0:,} operators for copying values ({1}) save {2}.",
            n,
        ),
        ngettext(
            "{0:,} operator for copying values ({1}) costs {2}.",
            "{0:,} operators for copying values ({1}) cost {2}.",
            n,
        ),
        (n, ", ".join(kinds)),
        _("Write results where they are needed: join or cut smaller values."),
    )


RULE = Rule("copies", _explain, lambda group, _facts: group.only_has(COPYING), order=90)
