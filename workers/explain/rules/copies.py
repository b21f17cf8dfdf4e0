"""Operators that copy values without computing any, and take longer than in the other model."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _, ngettext
from workers.explain.groups import Group
from workers.explain.kinds import COPYING, plain_kind
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import ms


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return group.only_has(COPYING)


def _explain(facts: SpeedFacts) -> Reason:
    kinds = sorted({plain_kind(layer.kind) for side in facts.layers for layer in side})
    n, saves = len(facts.groups), facts.saved_ms > 0
    text = (
        ngettext(
            "{0:,} operator for copying values ({1}) saves {2}.",
            "{0:,} operators for copying values ({1}) save {2}.",
            n,
        )
        if saves
        else ngettext(
            "{0:,} operator for copying values ({1}) costs {2}.",
            "{0:,} operators for copying values ({1}) cost {2}.",
            n,
        )
    )
    return facts.reason(
        RULE.code,
        text.format(n, ", ".join(kinds), ms(abs(facts.saved_ms))),
        "" if saves else _("Write results where they are needed: join or cut smaller values."),
    )


RULE = Rule("copies", _explain, _belongs, order=90)
